"""Audit of protocols: what test samples share with training samples, and whether a model can exploit it."""

from mmbench.workflows.audit.files import audit_path as audit_path
from mmbench.workflows.audit.files import is_audit as is_audit
from mmbench.workflows.audit.files import load_audit as load_audit
from mmbench.workflows.audit.results import AuditResult as AuditResult
from mmbench.workflows.audit.run_audit import audit as audit
from mmbench.workflows.audit.run_audit import audit_spec as audit_spec

__all__ = ["AuditResult", "audit", "audit_path", "audit_spec", "is_audit", "load_audit"]
