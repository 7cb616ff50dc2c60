"""The only map from our errors to the codes of the facades; a test looks that no error class is without a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc import errors
from certsvc.commands.facades.ask import MISSING, NotInForce
from certsvc.license.facades import FacadeName

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = tuple[type[errors.CertsvcError], str]

GB_36906: tuple[Row, ...] = (
    (errors.InvalidInput, "4"),
    (errors.InvalidIdentifier, "4"),
    (errors.UnknownLicenseType, "4"),
    (errors.MissingGlyph, "9"),
    (errors.UploadRefused, "8"),
    (errors.RegistrationRefused, "8"),
    (errors.IdempotencyMismatch, "4"),
    (errors.TooLarge, "8"),
    (errors.UnsupportedMedia, "4"),
    (errors.NotAcceptable, "4"),
    (errors.NotFound, "3"),
    (errors.Conflict, "4"),
    (errors.BusinessKeyConflict, "7"),
    (errors.IllegalMove, "11"),
    (errors.RepeatVisit, "4"),
    (errors.StateOfSource, "1"),
    (errors.SealUnavailable, "10"),
    (errors.SignerUnavailable, "10"),
    (errors.Refused, "1"),
    (errors.PinRefused, "1"),
    (errors.CodeRefused, "1"),
    (errors.NoLawfulBasis, "1"),
    (errors.ConsentOnly, "1"),
    (errors.OperatorUnknown, "1"),
    (NotInForce, "11"),
    (errors.Unauthenticated, "1"),
    (errors.Forbidden, "1"),
    (errors.RateLimited, "17"),
    (errors.Stale, "4"),
    (errors.SchemaBehind, "16"),
    (errors.ClockInDoubt, "16"),
    (errors.Unavailable, "16"),
    (errors.UseUnknown, "2"),
    (errors.WorkerDied, "2"),
    (errors.ConfigurationError, "2"),
    (errors.RenderingError, "9"),
    (errors.SigningError, "10"),
    (errors.NoTimestamp, "10"),
    (errors.IntegrityError, "13"),
    (errors.CertsvcError, "2"),
)
"""信息码 of GB/T 36906 (STANDARDS.md 2.4 A); 5 缺失必填 comes from the field that is missing."""

CERT_SHARE: tuple[Row, ...] = (
    (errors.InvalidInput, "102"),
    (errors.InvalidIdentifier, "102"),
    (errors.UnknownLicenseType, "13"),
    (errors.MissingGlyph, "110"),
    (errors.UploadRefused, "102"),
    (errors.RegistrationRefused, "102"),
    (errors.IdempotencyMismatch, "102"),
    (errors.TooLarge, "102"),
    (errors.UnsupportedMedia, "102"),
    (errors.NotAcceptable, "2"),
    (errors.NotFound, "10"),
    (errors.Conflict, "102"),
    (errors.BusinessKeyConflict, "102"),
    (errors.IllegalMove, "21"),
    (errors.RepeatVisit, "102"),
    (errors.StateOfSource, "2"),
    (errors.SealUnavailable, "99"),
    (errors.SignerUnavailable, "99"),
    (errors.Refused, "100"),
    (errors.PinRefused, "11"),
    (errors.CodeRefused, "11"),
    (errors.NoLawfulBasis, "100"),
    (errors.ConsentOnly, "100"),
    (errors.OperatorUnknown, "100"),
    (NotInForce, "21"),
    (errors.Unauthenticated, "11"),
    (errors.Forbidden, "100"),
    (errors.RateLimited, "23"),
    (errors.Stale, "102"),
    (errors.SchemaBehind, "99"),
    (errors.ClockInDoubt, "99"),
    (errors.Unavailable, "99"),
    (errors.UseUnknown, "99"),
    (errors.WorkerDied, "99"),
    (errors.ConfigurationError, "101"),
    (errors.RenderingError, "110"),
    (errors.SigningError, "99"),
    (errors.NoTimestamp, "99"),
    (errors.IntegrityError, "99"),
    (errors.CertsvcError, "99"),
)
"""Codes of the 共享平台 (STANDARDS.md 2.4 B); 12 必填为空, 22 and 23 come from the field and the state."""

LICENSE_APP: tuple[Row, ...] = (
    (errors.InvalidInput, "PARAM_ERROR"),
    (errors.InvalidIdentifier, "PARAM_ERROR"),
    (errors.UnknownLicenseType, "LICENSE_ITEM_UNKNOWN"),
    (errors.MissingGlyph, "PARAM_ERROR"),
    (errors.UploadRefused, "PARAM_ERROR"),
    (errors.RegistrationRefused, "PARAM_ERROR"),
    (errors.IdempotencyMismatch, "PARAM_ERROR"),
    (errors.TooLarge, "PARAM_ERROR"),
    (errors.UnsupportedMedia, "PARAM_ERROR"),
    (errors.NotAcceptable, "NOT_SUPPORTED"),
    (errors.NotFound, "LICENSE_NOT_FOUND"),
    (errors.Conflict, "STATE_CONFLICT"),
    (errors.BusinessKeyConflict, "BIZ_NUM_CONFLICT"),
    (errors.IllegalMove, "STATE_CONFLICT"),
    (errors.RepeatVisit, "STATE_CONFLICT"),
    (errors.StateOfSource, "STATE_CONFLICT"),
    (errors.SealUnavailable, "SEAL_UNAVAILABLE"),
    (errors.SignerUnavailable, "SEAL_UNAVAILABLE"),
    (errors.Refused, "REFUSED"),
    (errors.PinRefused, "REFUSED"),
    (errors.CodeRefused, "AUTH_CODE_INVALID"),
    (errors.NoLawfulBasis, "NO_AUTHORIZATION"),
    (errors.ConsentOnly, "NO_AUTHORIZATION"),
    (errors.OperatorUnknown, "OPERATOR_UNKNOWN"),
    (NotInForce, "LICENSE_NOT_IN_FORCE"),
    (errors.Unauthenticated, "ACCESS_TOKEN_INVALID"),
    (errors.Forbidden, "NO_PERMISSION"),
    (errors.RateLimited, "RATE_LIMITED"),
    (errors.Stale, "STATE_CONFLICT"),
    (errors.SchemaBehind, "SYSTEM_BUSY"),
    (errors.ClockInDoubt, "SYSTEM_BUSY"),
    (errors.Unavailable, "SYSTEM_BUSY"),
    (errors.UseUnknown, "SYSTEM_BUSY"),
    (errors.WorkerDied, "SYSTEM_BUSY"),
    (errors.ConfigurationError, "SYSTEM_ERROR"),
    (errors.RenderingError, "PARAM_ERROR"),
    (errors.SigningError, "SYSTEM_BUSY"),
    (errors.NoTimestamp, "SYSTEM_BUSY"),
    (errors.IntegrityError, "SYSTEM_ERROR"),
    (errors.CertsvcError, "SYSTEM_ERROR"),
)
"""``errors[].code`` of ``license-app/v1``; the deployed systems publish none, so these are ours."""

TABLES: Mapping[FacadeName, tuple[Row, ...]] = {
    FacadeName.GB_36906: GB_36906,
    FacadeName.CERT_SHARE: CERT_SHARE,
    FacadeName.APP: LICENSE_APP,
}
MISSING_CODES: Mapping[FacadeName, str] = {
    FacadeName.GB_36906: "5",
    FacadeName.CERT_SHARE: "12",
    FacadeName.APP: "PARAM_MISSING",
}
STATE_CODES: Mapping[str, str] = {"expired": "22", "suspended": "23", "not_yet_valid": "23", "provisional": "23"}
"""共享平台: code of a license that is not in force; every other state is 21 已废止或注销."""
HOLDER_TYPE_CODE = "103"
HOLDER_TYPE_POINTERS = frozenset({"/holder_code_type", "/holderTypeCode"})


def code_of(facade: FacadeName, error: errors.CertsvcError) -> str:
    """The code of an error in a facade; a subclass without a row has that of its nearest ancestor."""
    if isinstance(error, errors.InvalidInput) and any(one.code == MISSING for one in error.problems):
        return MISSING_CODES[facade]
    if facade is FacadeName.CERT_SHARE:
        if isinstance(error, NotInForce):
            return STATE_CODES.get(error.state, "21")
        if any(one.pointer in HOLDER_TYPE_POINTERS for one in error.problems):
            return HOLDER_TYPE_CODE
    rows = dict(TABLES[facade])
    return next(rows[cls] for cls in type(error).__mro__ if cls in rows)
