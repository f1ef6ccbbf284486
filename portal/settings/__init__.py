"""The settings: one typed class, read from the environment and `.env`, refused by name.

    loading.load_settings   environment + .env -> unknown names -> Settings -> what is unsafe
      -> model.Settings     every setting, documented in place
           -> parsing       one reader for each kind of value
      -> kept_keys          keys made once in the instance folder
    documentation           the README's table, from the class

A message names the variable and the mend, and never holds the value: it may be a secret.
May import nothing of the portal.
"""

from portal.settings.documentation import settings_table
from portal.settings.loading import known_names, load_settings
from portal.settings.model import Environment, Settings, SettingsError

__all__ = [
    "Environment",
    "Settings",
    "SettingsError",
    "known_names",
    "load_settings",
    "settings_table",
]
