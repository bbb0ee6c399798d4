"""Files of audits: written next to the records, read and validated."""

import json
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.storage import check_printable, describe_parse_error, digest, load_object, slug, write_text
from mmbench.workflows.audit.results import AuditResult


def audit_path(out: Path, result: AuditResult) -> Path:
    """Path of an audit in the folder of runs; a later audit of the same method, data and protocols replaces it."""
    about = [result.method, result.dataset, result.task, result.features, [one.fingerprint for one in result.protocols]]
    return out / f"audit-{slug(f'{result.dataset}-{result.method}')}-{digest(about)[:10]}.json"


def write_audit(path: Path, result: AuditResult) -> None:
    """Write an audit atomically."""
    write_text(path, json.dumps({"audit": result.to_plain()}))


def is_audit(path: Path) -> bool:
    """Whether a file holds an audit."""
    try:
        return path.is_file() and "audit" in load_object(path)
    except (OSError, ValueError):
        return False


def load_audit(path: Path) -> AuditResult:
    """Read an audit; raises RecordError if it is damaged."""
    from pydantic import TypeAdapter

    try:
        plain = load_object(path)["audit"]
        check_printable(plain)
        result = TypeAdapter(AuditResult).validate_python(plain)
        if not result.classes or result.strictest not in [audit.protocol for audit in result.protocols]:
            raise ValueError("it lacks the strictest protocol, or the classes")
    except (OSError, ValueError, KeyError) as error:
        raise RecordError(
            f"is not an audit ({describe_parse_error(error)})", where=path, remedy="run mmbench audit again"
        ) from error
    return result
