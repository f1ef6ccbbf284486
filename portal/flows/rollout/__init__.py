"""Requiring SSO of a domain step by step: by hand (enforcement) or by date, with a stop."""
