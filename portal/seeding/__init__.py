"""Seed files: the registry as code. Reads, checks and writes files; knows no database.

    a folder -> yaml_reader, json_reader, toml_reader (data with lines) -> schema -> convert
             -> csv_reader (streamed)                                               -> Desired
    what is wrong -> problems, each with file, line and key, all in one run

    schema    Pydantic models of a file, and the JSON Schema for editors
    desired   what they describe: tenants, domains, operators
    folder    read_folder: a folder or a file -> Desired
    csv_rows  the rows of a CSV of domains; csv_upload: such a file from a browser -> Desired
    staging   the domains of a Desired, on the disk
    sources   env:, file: and encrypted: references of secrets
    claims    public suffixes and shared mailboxes, which nobody can claim

May import portal.crypto and portal.core; never the store.
"""
