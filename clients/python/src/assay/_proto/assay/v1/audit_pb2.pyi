from assay._proto.assay.v1 import assay_pb2 as _assay_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
VOID_CAUSE_DAMAGED: VoidCause
VOID_CAUSE_MEMORY_LOST: VoidCause
VOID_CAUSE_PROCESS_DIED: VoidCause
VOID_CAUSE_UNSPECIFIED: VoidCause

class AuditRecord(_message.Message):
    __slots__ = ["alias", "bitcoin", "bundle", "caller", "card", "digest", "features32", "features64", "outcome", "reasons", "request_id", "score", "scores", "sealed_personal", "sequence", "server_ns", "stage", "subject_ref", "time_ns", "transaction_id", "unproven", "version", "void_range"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BITCOIN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FEATURES32_FIELD_NUMBER: _ClassVar[int]
    FEATURES64_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SEALED_PERSONAL_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SERVER_NS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_REF_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    UNPROVEN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VOID_RANGE_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bitcoin: bytes
    bundle: str
    caller: str
    card: bytes
    digest: bytes
    features32: bytes
    features64: bytes
    outcome: _assay_pb2.Outcome
    reasons: _containers.RepeatedCompositeFieldContainer[_assay_pb2.Reason]
    request_id: int
    score: float
    scores: bytes
    sealed_personal: bytes
    sequence: int
    server_ns: int
    stage: _assay_pb2.Stage
    subject_ref: bytes
    time_ns: int
    transaction_id: str
    unproven: bool
    version: int
    void_range: VoidRange
    def __init__(self, sequence: _Optional[int] = ..., time_ns: _Optional[int] = ..., bundle: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[bytes] = ..., features32: _Optional[bytes] = ..., features64: _Optional[bytes] = ..., bitcoin: _Optional[bytes] = ..., card: _Optional[bytes] = ..., scores: _Optional[bytes] = ..., score: _Optional[float] = ..., outcome: _Optional[_Union[_assay_pb2.Outcome, str]] = ..., stage: _Optional[_Union[_assay_pb2.Stage, str]] = ..., reasons: _Optional[_Iterable[_Union[_assay_pb2.Reason, _Mapping]]] = ..., transaction_id: _Optional[str] = ..., caller: _Optional[str] = ..., request_id: _Optional[int] = ..., server_ns: _Optional[int] = ..., alias: _Optional[str] = ..., unproven: bool = ..., sealed_personal: _Optional[bytes] = ..., subject_ref: _Optional[bytes] = ..., void_range: _Optional[_Union[VoidRange, _Mapping]] = ...) -> None: ...

class VoidRange(_message.Message):
    __slots__ = ["cause", "chain", "first", "last"]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    cause: VoidCause
    chain: bytes
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ..., cause: _Optional[_Union[VoidCause, str]] = ..., chain: _Optional[bytes] = ...) -> None: ...

class VoidCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
