"""Whether providers, clients and settings are well: for `portal doctor`, pages and mails."""
