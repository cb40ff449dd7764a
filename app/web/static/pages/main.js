// What every page does: find out which it is, show it, and deal with keys, themes and what goes wrong.

import { ApiError, key, readiness } from "./api.js";
import { redraw } from "./chart.js";
import { announce, fill, h } from "./dom.js";

const VIEWS = {
  "": () => import("./projects.js"),
  project: () => import("./project.js"),
  dataset: () => import("./dataset.js"),
  ask: () => import("./ask.js"),
  run: () => import("./run.js"),
};

const main = document.getElementById("main");
const page = location.pathname.split("/").pop();

async function show() {
  main.setAttribute("aria-busy", "true");
  try {
    const { view } = await VIEWS[page]();
    fill(main, await view(new URLSearchParams(location.search), show));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fill(main, trouble(error));
  } finally {
    main.setAttribute("aria-busy", "false");
  }
}

// ---------------------------------------------------------------- what goes wrong

function trouble(error) {
  document.title = "forerun";
  if (error.status === 401)
    return h(
      "section",
      { class: "card narrow" },
      h("h1", {}, "This service asks for a key"),
      key.get() && h("p", { class: "notice bad" }, error.message),
      keyForm(),
    );
  if (error.status === 403)
    return problem(
      "This key does not open this",
      error.message,
      h("button", { type: "button", onclick: openKeys }, "Use another key"),
    );
  if (error.status === 404)
    return problem("There is no such thing", error.message, h("a", { class: "button", href: "./" }, "All projects"));
  return problem("This did not work", error.message, h("button", { type: "button", onclick: show }, "Try again"));
}

function problem(title, message, action) {
  return h("section", { class: "card narrow" }, h("h1", {}, title), h("p", {}, message), h("p", {}, action));
}

// ---------------------------------------------------------------- keys

const dialog = document.getElementById("key-dialog");

function keyForm() {
  const input = h("input", {
    id: "key",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "fr_…",
    required: true,
  });
  return h(
    "form",
    {
      class: "key-form",
      onsubmit: (event) => {
        event.preventDefault();
        key.set(input.value.trim());
        dialog.close();
        keysChanged();
      },
    },
    h("label", { for: "key" }, "API key"),
    input,
    h(
      "p",
      { class: "note" },
      "It needs the scope ",
      h("code", {}, "read"),
      " to look and ",
      h("code", {}, "recommend"),
      " to ask. It is kept in this tab until the tab is closed, and sent to this service alone. Whoever runs the service makes one with ",
      h("code", {}, "forerun keys create NAME --scope read --scope recommend"),
      ".",
    ),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, "Use this key"),
      key.get() &&
        h(
          "button",
          {
            type: "button",
            onclick: () => {
              key.forget();
              dialog.close();
              keysChanged();
            },
          },
          "Forget the key",
        ),
    ),
  );
}

function openKeys() {
  fill(
    dialog,
    h("h2", { id: "key-title" }, "API key"),
    keyForm(),
    h("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: () => dialog.close() }, "×"),
  );
  dialog.showModal();
}

function keysChanged() {
  document.getElementById("key-button").classList.toggle("on", Boolean(key.get()));
  announce(key.get() ? "The key is used" : "The key is forgotten");
  show();
}

document.getElementById("key-button").addEventListener("click", openKeys);
document.getElementById("key-button").classList.toggle("on", Boolean(key.get()));

// ---------------------------------------------------------------- themes

const THEMES = { system: ["◐", "Auto"], light: ["○", "Light"], dark: ["●", "Dark"] };
const themeButton = document.getElementById("theme-button");

function theme() {
  return document.documentElement.dataset.theme ?? "system";
}

function setTheme(name) {
  if (name === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("forerun.theme");
  } else {
    document.documentElement.dataset.theme = name;
    localStorage.setItem("forerun.theme", name);
  }
  tellTheme();
  redraw();
}

function tellTheme() {
  const [sign, name] = THEMES[theme()];
  fill(themeButton, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "unseen" }, "Theme:"), name);
}

themeButton.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(theme()) + 1) % names.length]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
tellTheme();

// ---------------------------------------------------------------- start

for (const anchor of document.querySelectorAll("nav a[data-page]"))
  if (anchor.dataset.page === page) anchor.setAttribute("aria-current", "page");

readiness().then(({ status, checks, warnings }) => {
  const found =
    status === "ready"
      ? warnings
      : Object.entries(checks)
          .filter(([, told]) => told !== "ok")
          .map(([what, told]) => `${what}: ${told}`);
  fill(
    document.getElementById("notices"),
    found.map((told) => h("p", { class: `notice ${status === "ready" ? "warn" : "bad"}`, role: "alert" }, told)),
  );
});
show();
