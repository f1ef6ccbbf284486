"""The one write path of the registry: what is wanted, what that changes, and writing it.

registry_changes   the path itself; registry_trail writes down what went through it
seed_*             files: plan -> effects, reach, cautions -> apply; export and update, the way back
tenant_edits       forms, by the same path; secret_replacement for two secrets at once
"""
