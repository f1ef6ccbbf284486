"""`python -m supply_chain licences|sbom|audit`: what the portal is made of, what is known of it."""

import subprocess
import sys

from supply_chain.audit import verdict
from supply_chain.licences import LOCK, PAGE, ROOT, page, parts


def licences() -> str:
    """Write the page; give what is wrong."""
    found = parts()
    PAGE.write_text(page(found))
    return "; ".join(
        f"{part.name}: {part.licence or 'no licence told'} is unfit, or unknown to this list"
        for part in found
        if not part.is_fit
    )


def sbom() -> str:
    """Write dist/sbom.json."""
    from supply_chain.sbom import bill, written

    place = ROOT / "dist" / "sbom.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(written(bill()))
    print(f"Wrote {place.relative_to(ROOT)}")
    return ""


def audit() -> str:
    """Ask the vulnerability service about the lock."""
    command = ["pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    asked = subprocess.run(
        [sys.executable, "-m", *command, "--format", "json", "--requirement", str(LOCK)],
        check=False,
        capture_output=True,
        text=True,
    )
    wrong = verdict(asked.stdout)
    if not wrong:
        print("Nothing is known against any of what is locked.")
    return wrong


if __name__ == "__main__":
    wrong = {"licences": licences, "sbom": sbom, "audit": audit}[sys.argv[1]]()
    if wrong:
        sys.exit(f"{sys.argv[1]}: {wrong}")
