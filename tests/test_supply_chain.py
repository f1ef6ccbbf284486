"""The licences that are listed, the bill of materials, and what an audit may call clean."""

import json

import pytest

from supply_chain.audit import verdict
from supply_chain.licences import PAGE, Part, page, parts
from supply_chain.sbom import bill, written


def test_licences_are_listed_as_the_lock_and_the_metadata_have_them():
    assert PAGE.read_text() == page(parts()), "run `make licences`"


def test_no_part_of_the_runtime_has_an_unfit_licence():
    assert [part for part in parts() if not part.is_fit] == []


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0-or-later", "MIT AND GPL-2.0", ""])
def test_licence_that_binds_the_whole_or_is_not_told_is_unfit(licence):
    assert not Part("x", "1", licence).is_fit


def test_bill_of_materials_names_each_locked_part_with_its_licence_and_hashes():
    found = json.loads(written(bill()))
    listed = {
        (part["name"], part["version"], part["licenses"][0]["expression"])
        for part in found["components"]
    }
    assert listed == {(part.name, part.version, part.licence) for part in parts()}
    assert found["bomFormat"] == "CycloneDX"
    assert found["metadata"]["component"]["name"] == "portal"
    for part in found["components"]:
        assert part["externalReferences"][0]["hashes"]
        assert part["purl"].startswith("pkg:pypi/")


def report(**part: object) -> str:
    return json.dumps({"dependencies": [{"name": "flask", "version": "3", **part}]})


def test_audit_is_clean_where_all_was_asked_and_nothing_found():
    assert verdict(report(vulns=[])) == ""


def test_audit_names_what_is_vulnerable_and_where_it_is_mended():
    bug = {"id": "CVE-2030-1", "fix_versions": ["3.0.1"]}
    assert verdict(report(vulns=[bug])) == "flask 3: CVE-2030-1, mended in 3.0.1"


def test_audit_that_could_not_ask_is_no_clean_bill():
    assert "cannot be reached" in verdict("")
    assert "1 of 1" in verdict(report(skip_reason="not found"))
