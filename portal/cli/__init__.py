"""The `portal` command. Modules import what is heavy inside their commands.

main     the group, its exit codes, db, keys
serve    the production server
explain  why an address signs in the way it does
doctor   settings, database, keys, cache, issuers: one line a check
seed     validate, plan, apply, export, schema
demo     a throw-away portal with a local provider
demo_provider  that provider: for demo and tests only
"""
