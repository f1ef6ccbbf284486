"""What the answer of the vulnerability service means: silence is no clean bill."""

import json


def verdict(report: str) -> str:
    """Give what is wrong by pip-audit's JSON report; empty where all was asked and is clean."""
    if not report.strip():
        return "the vulnerability service cannot be reached: nothing was checked"
    asked = json.loads(report)["dependencies"]
    skipped = [part["name"] for part in asked if "skip_reason" in part]
    wrong = [
        f"{part['name']} {part['version']}: {bug['id']}, mended in "
        f"{', '.join(bug['fix_versions']) or 'no version yet'}"
        for part in asked
        for bug in part.get("vulns", [])
    ]
    if skipped:
        wrong.append(
            f"the vulnerability service knows nothing of {len(skipped)} of {len(asked)}, so they "
            f"were not checked: {', '.join(skipped)}"
        )
    return "; ".join(wrong)
