"""The bill of materials: CycloneDX of the lock, with the licences that it cannot tell."""

import json
import subprocess
import sys
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supply_chain.licences import LOCK, ROOT, parts


def bill() -> dict[str, Any]:
    """Give the bill of what the portal runs on."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--short-PURLs"]
    options = ["--output-reproducible", "--sv", "1.6", "--pyproject", str(ROOT / "pyproject.toml")]
    made = subprocess.run(
        [*command, *options, str(LOCK)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(made.stdout)
    licences = {part.name: part.licence for part in parts()}
    for component in found["components"]:
        component["licenses"] = [{"expression": licences[component["name"]]}]
        component["description"] = f"locked in {LOCK.relative_to(ROOT)}"
        for place in component["externalReferences"]:
            place["url"] = component["purl"]  # a mirror may serve it: the hashes count
    return found


def written(found: dict[str, Any]) -> str:
    """Give the bill as text, valid by CycloneDX's own schema."""
    text = json.dumps(found, indent=2) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong:
        raise SystemExit(f"the bill of materials is not valid: {wrong}")
    return text
