from .files import audit_path as audit_path
from .files import is_audit as is_audit
from .files import load_audit as load_audit
from .results import AuditResult as AuditResult
from .run_audit import audit as audit
from .run_audit import audit_spec as audit_spec
