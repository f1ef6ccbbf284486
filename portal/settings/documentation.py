"""The settings as the README shows them."""

from pydantic import AliasChoices

from portal.settings.model import Settings


def setting_names() -> dict[str, tuple[str, ...]]:
    """Give each field's environment variables, the usual name first."""
    names: dict[str, tuple[str, ...]] = {}
    for field, info in Settings.model_fields.items():
        assert isinstance(info.validation_alias, AliasChoices), "each setting names its variable"
        names[field] = tuple(str(choice) for choice in info.validation_alias.choices)
    return names


def settings_table() -> str:
    """Give the table of all settings in Markdown, without a line break at its end."""
    lines = ["| name | meaning | default |", "| --- | --- | --- |"]
    for field, names in setting_names().items():
        text = Settings.model_fields[field].description or ""
        meaning, _, default = text.partition(" Default: ")
        lines.append(f"| `{names[0]}` | {meaning.rstrip('.')} | {default.rstrip('.')} |")
    return "\n".join(lines)
