"""The result of `rules test` as JUnit's XML, which CI systems show."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from kubectl_logscan.rulefiles import Case
from logscan_api.text import printable


def as_junit(suite: str, cases: Sequence[Case]) -> bytes:
    """Return a document with a test case for each line.

    Args:
        suite: What was tested, such as the name of the file.
        cases: The lines.
    """
    failed = sum(1 for case in cases if case.failure)
    counts = {"tests": str(len(cases)), "failures": str(failed)}
    root = ET.Element("testsuites", counts)
    parent = ET.SubElement(root, "testsuite", {"name": printable(suite), **counts})
    for case in cases:
        name = f"{'matches' if case.expected else 'ignores'}: {printable(case.text)}" if case.text else "compiles"
        element = ET.SubElement(parent, "testcase", {"classname": case.rule, "name": name})
        if case.failure:
            ET.SubElement(element, "failure", {"message": printable(case.failure)})
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
