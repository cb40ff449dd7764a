"""The commands of `forerun`, by what they are about; `app/cli.py` puts them together."""
