"""Where an audit is kept beside the records, and how it is read again."""

import json
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.storage import check_printable, describe_parse_error, digest, load_object, slug, write_text
from mmbench.workflows.audit.result import AuditResult


def audit_path(out: Path, result: AuditResult) -> Path:
    """Where an audit lies among the runs; a later one of the same method, data and protocols takes its place."""
    about = [result.method, result.dataset, result.task, result.features, [one.fingerprint for one in result.protocols]]
    return out / f"audit-{slug(f'{result.dataset}-{result.method}')}-{digest(about)[:10]}.json"


def write_audit(path: Path, result: AuditResult) -> None:
    """Keep an audit, whole or not at all."""
    write_text(path, json.dumps({"audit": result.to_plain()}))


def is_audit(path: Path) -> bool:
    """Whether a file is that of an audit."""
    try:
        return path.is_file() and "audit" in load_object(path)
    except (OSError, ValueError):
        return False


def load_audit(path: Path) -> AuditResult:
    """Read an audit; RecordError when it is damaged."""
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
