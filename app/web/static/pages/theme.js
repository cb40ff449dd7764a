// Before anything is drawn: light or dark, as the reader chose; else as the system has it.
(() => {
  const kept = localStorage.getItem("forerun.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
