"""Whose a domain is: proven by DNS, and looked at again."""
