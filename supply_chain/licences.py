"""What the portal's runtime is made of, and under which licences: from the lock and the metadata.

`python -m supply_chain licences` writes docs/licences.md and fails where one is unfit.
"""

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "runtime.txt"
PAGE = ROOT / "docs" / "licences.md"

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
_ALIASES = {  # what older metadata says: its SPDX name
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}
_ELSEWHERE = {"async-timeout": "Apache-2.0", "tzdata": "Apache-2.0"}  # not installed everywhere
FREE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0",
    "Unlicense", "Zlib",
}  # fmt: skip
WITH_A_WORD = {
    "LGPL-3.0-only": "used as it comes, as a library that anybody may exchange for another "
    "version of it (LGPL 4): the portal is no work under the LGPL. Whoever ships an image passes "
    "on its licence and says where its source is.",
    "MPL-2.0": "its own files stay under the MPL; they are not changed here, and nothing else "
    "comes under it.",
}

_INTRODUCTION = (
    "Everything that the portal runs on, from `requirements/runtime.txt` and what each "
    "distribution says of itself; written by `make licences`, which fails where a licence is "
    "unfit for a product under any licence. `make sbom` gives the same with versions and "
    "hashes, as CycloneDX."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A locked distribution and its licence as an SPDX expression; empty where none is told."""

    name: str
    version: str
    licence: str

    @property
    def names(self) -> list[str]:
        """The licences that the expression names."""
        return re.split(r" (?:AND|OR) ", self.licence)

    @property
    def is_fit(self) -> bool:
        """Whether a product under any licence may have it as a part."""
        return all(name in FREE or name in WITH_A_WORD for name in self.names)


def parts() -> list[Part]:
    """Give the runtime's parts in the order of the lock."""
    return [
        Part(name, version, licence_of(name)) for name, version in _LOCKED.findall(LOCK.read_text())
    ]


def licence_of(name: str) -> str:
    """Give the licence that a distribution's metadata tells."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    told = metadata.metadata(name)
    expression = told.get("License-Expression")
    if expression:
        return expression
    stated = told.get("License") or ""
    classified = [
        line.rpartition("::")[2].strip()
        for line in told.get_all("Classifier", [])
        if line.startswith("License ::")
    ]
    for word in (stated, *classified):
        short = _ALIASES.get(word, word)
        if short in FREE or short in WITH_A_WORD:
            return short
    return stated or " OR ".join(classified)


def page(of: list[Part]) -> str:
    """Give docs/licences.md."""
    lines = [
        "# Licences",
        "",
        _INTRODUCTION,
        "",
        "| distribution | licence |",
        "| --- | --- |",
    ]
    lines += [f"| {part.name} | {part.licence} |" for part in of]
    lines += ["", "Those that are not merely permissive:", ""]
    for licence, word in sorted(WITH_A_WORD.items()):
        names = ", ".join(part.name for part in of if licence in part.names)
        lines.append(f"- **{licence}** ({names}): {word}")
    return "\n".join(lines) + "\n"
