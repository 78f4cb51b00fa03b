from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

BITCOIN_SCRIPT_TYPE_MULTISIG: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_NONSTANDARD: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_OP_RETURN: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2A: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2PK: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2PKH: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2SH: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2TR: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2WPKH: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_P2WSH: BitcoinScriptType
BITCOIN_SCRIPT_TYPE_UNSPECIFIED: BitcoinScriptType
CARD_ENTRY_MODE_CHIP: CardEntryMode
CARD_ENTRY_MODE_CONTACTLESS: CardEntryMode
CARD_ENTRY_MODE_ECOMMERCE: CardEntryMode
CARD_ENTRY_MODE_MAGSTRIPE: CardEntryMode
CARD_ENTRY_MODE_MANUAL: CardEntryMode
CARD_ENTRY_MODE_UNSPECIFIED: CardEntryMode
DESCRIPTOR: _descriptor.FileDescriptor
DURABILITY_DISK: Durability
DURABILITY_MEMORY: Durability
DURABILITY_UNSPECIFIED: Durability
OUTCOME_APPROVE: Outcome
OUTCOME_DECLINE: Outcome
OUTCOME_REVIEW: Outcome
OUTCOME_UNSPECIFIED: Outcome
STAGE_BATCH: Stage
STAGE_HEURISTIC: Stage
STAGE_ONLINE: Stage
STAGE_UNSPECIFIED: Stage
STATUS_AUDIT_UNAVAILABLE: Status
STATUS_BAD_FRAME: Status
STATUS_DEADLINE_EXCEEDED: Status
STATUS_FAILED_PRECONDITION: Status
STATUS_INTERNAL: Status
STATUS_INVALID_ARGUMENT: Status
STATUS_NOT_FOUND: Status
STATUS_OK: Status
STATUS_PERMISSION_DENIED: Status
STATUS_RESOURCE_EXHAUSTED: Status
STATUS_UNAVAILABLE: Status
STATUS_UNIMPLEMENTED: Status

class BitcoinInput(_message.Message):
    __slots__ = ["age_blocks", "has_script_sig", "has_scripts", "is_coinbase", "prevout_index", "prevout_txid", "script_pubkey", "script_sig", "script_type", "sequence", "value", "witness"]
    AGE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    HAS_SCRIPTS_FIELD_NUMBER: _ClassVar[int]
    HAS_SCRIPT_SIG_FIELD_NUMBER: _ClassVar[int]
    IS_COINBASE_FIELD_NUMBER: _ClassVar[int]
    PREVOUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PREVOUT_TXID_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_SIG_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    WITNESS_FIELD_NUMBER: _ClassVar[int]
    age_blocks: int
    has_script_sig: bool
    has_scripts: bool
    is_coinbase: bool
    prevout_index: int
    prevout_txid: bytes
    script_pubkey: bytes
    script_sig: bytes
    script_type: BitcoinScriptType
    sequence: int
    value: int
    witness: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, prevout_txid: _Optional[bytes] = ..., prevout_index: _Optional[int] = ..., sequence: _Optional[int] = ..., is_coinbase: bool = ..., value: _Optional[int] = ..., script_type: _Optional[_Union[BitcoinScriptType, str]] = ..., script_pubkey: _Optional[bytes] = ..., script_sig: _Optional[bytes] = ..., witness: _Optional[_Iterable[bytes]] = ..., age_blocks: _Optional[int] = ..., has_scripts: bool = ..., has_script_sig: bool = ...) -> None: ...

class BitcoinOutput(_message.Message):
    __slots__ = ["address", "has_script", "script_pubkey", "script_type", "value"]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    HAS_SCRIPT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    address: str
    has_script: bool
    script_pubkey: bytes
    script_type: BitcoinScriptType
    value: int
    def __init__(self, value: _Optional[int] = ..., script_type: _Optional[_Union[BitcoinScriptType, str]] = ..., script_pubkey: _Optional[bytes] = ..., address: _Optional[str] = ..., has_script: bool = ...) -> None: ...

class BitcoinTransaction(_message.Message):
    __slots__ = ["fee", "first_seen_us", "input_count", "input_value", "inputs", "locktime", "output_count", "output_value", "outputs", "rbf", "sigops", "size", "tx_version", "txid", "vsize", "weight"]
    FEE_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_US_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    INPUT_COUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    LOCKTIME_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    RBF_FIELD_NUMBER: _ClassVar[int]
    SIGOPS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TXID_FIELD_NUMBER: _ClassVar[int]
    TX_VERSION_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    fee: int
    first_seen_us: int
    input_count: int
    input_value: int
    inputs: _containers.RepeatedCompositeFieldContainer[BitcoinInput]
    locktime: int
    output_count: int
    output_value: int
    outputs: _containers.RepeatedCompositeFieldContainer[BitcoinOutput]
    rbf: bool
    sigops: int
    size: int
    tx_version: int
    txid: bytes
    vsize: int
    weight: int
    def __init__(self, txid: _Optional[bytes] = ..., tx_version: _Optional[int] = ..., locktime: _Optional[int] = ..., inputs: _Optional[_Iterable[_Union[BitcoinInput, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[BitcoinOutput, _Mapping]]] = ..., fee: _Optional[int] = ..., size: _Optional[int] = ..., weight: _Optional[int] = ..., vsize: _Optional[int] = ..., sigops: _Optional[int] = ..., first_seen_us: _Optional[int] = ..., rbf: bool = ..., input_count: _Optional[int] = ..., output_count: _Optional[int] = ..., input_value: _Optional[int] = ..., output_value: _Optional[int] = ...) -> None: ...

class CardTransaction(_message.Message):
    __slots__ = ["amount_minor", "card_country", "card_reference", "components", "currency", "elapsed_seconds", "entry_mode", "merchant_category", "merchant_country", "merchant_reference", "time_us"]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CARD_COUNTRY_FIELD_NUMBER: _ClassVar[int]
    CARD_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_MODE_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_COUNTRY_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    amount_minor: int
    card_country: str
    card_reference: str
    components: _containers.RepeatedScalarFieldContainer[float]
    currency: str
    elapsed_seconds: float
    entry_mode: CardEntryMode
    merchant_category: int
    merchant_country: str
    merchant_reference: str
    time_us: int
    def __init__(self, amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., time_us: _Optional[int] = ..., elapsed_seconds: _Optional[float] = ..., components: _Optional[_Iterable[float]] = ..., merchant_category: _Optional[int] = ..., entry_mode: _Optional[_Union[CardEntryMode, str]] = ..., card_country: _Optional[str] = ..., merchant_country: _Optional[str] = ..., card_reference: _Optional[str] = ..., merchant_reference: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ["audit_sequence", "bundle", "digest", "outcome", "raw", "reasons", "score", "scores", "server_ns", "stage", "unproven", "version"]
    AUDIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SERVER_NS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    UNPROVEN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    audit_sequence: int
    bundle: str
    digest: bytes
    outcome: Outcome
    raw: _containers.RepeatedScalarFieldContainer[float]
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    score: float
    scores: _containers.RepeatedScalarFieldContainer[float]
    server_ns: int
    stage: Stage
    unproven: bool
    version: int
    def __init__(self, score: _Optional[float] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., stage: _Optional[_Union[Stage, str]] = ..., bundle: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[bytes] = ..., audit_sequence: _Optional[int] = ..., server_ns: _Optional[int] = ..., scores: _Optional[_Iterable[float]] = ..., raw: _Optional[_Iterable[float]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., unproven: bool = ...) -> None: ...

class DescribeModelReply(_message.Message):
    __slots__ = ["byte_count", "deciding_output", "decline_threshold", "features", "golden_row_count", "model", "node_count", "objective", "output_count", "precision_bits", "provenance", "review_threshold", "tree_count"]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DECIDING_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    DECLINE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    GOLDEN_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRECISION_BITS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    REVIEW_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TREE_COUNT_FIELD_NUMBER: _ClassVar[int]
    byte_count: int
    deciding_output: int
    decline_threshold: float
    features: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    golden_row_count: int
    model: ModelVersion
    node_count: int
    objective: str
    output_count: int
    precision_bits: int
    provenance: _containers.RepeatedCompositeFieldContainer[Provenance]
    review_threshold: float
    tree_count: int
    def __init__(self, model: _Optional[_Union[ModelVersion, _Mapping]] = ..., features: _Optional[_Iterable[_Union[FeatureDescription, _Mapping]]] = ..., output_count: _Optional[int] = ..., precision_bits: _Optional[int] = ..., review_threshold: _Optional[float] = ..., decline_threshold: _Optional[float] = ..., deciding_output: _Optional[int] = ..., objective: _Optional[str] = ..., tree_count: _Optional[int] = ..., node_count: _Optional[int] = ..., byte_count: _Optional[int] = ..., golden_row_count: _Optional[int] = ..., provenance: _Optional[_Iterable[_Union[Provenance, _Mapping]]] = ...) -> None: ...

class DescribeModelRequest(_message.Message):
    __slots__ = ["alias", "bundle", "version"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bundle: str
    version: int
    def __init__(self, bundle: _Optional[str] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ["reason", "retry_after_us", "text"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_US_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    retry_after_us: int
    text: str
    def __init__(self, reason: _Optional[str] = ..., text: _Optional[str] = ..., retry_after_us: _Optional[int] = ...) -> None: ...

class FeatureDescription(_message.Message):
    __slots__ = ["missing_allowed", "name", "source", "type"]
    MISSING_ALLOWED_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    missing_allowed: bool
    name: str
    source: str
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., missing_allowed: bool = ..., source: _Optional[str] = ...) -> None: ...

class FetchBundleReply(_message.Message):
    __slots__ = ["byte_count", "bytes", "digest", "offset", "version"]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    byte_count: int
    bytes: bytes
    digest: bytes
    offset: int
    version: int
    def __init__(self, version: _Optional[int] = ..., digest: _Optional[bytes] = ..., byte_count: _Optional[int] = ..., offset: _Optional[int] = ..., bytes: _Optional[bytes] = ...) -> None: ...

class FetchBundleRequest(_message.Message):
    __slots__ = ["alias", "bundle", "byte_count_max", "offset", "version"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bundle: str
    byte_count_max: int
    offset: int
    version: int
    def __init__(self, bundle: _Optional[str] = ..., offset: _Optional[int] = ..., byte_count_max: _Optional[int] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetDecisionReply(_message.Message):
    __slots__ = ["record", "records"]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    record: bytes
    records: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, record: _Optional[bytes] = ..., records: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetDecisionRequest(_message.Message):
    __slots__ = ["audit_sequence", "limit", "transaction_id"]
    AUDIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    audit_sequence: int
    limit: int
    transaction_id: str
    def __init__(self, audit_sequence: _Optional[int] = ..., transaction_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class HealthReason(_message.Message):
    __slots__ = ["blocking", "code", "text"]
    BLOCKING_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    blocking: bool
    code: str
    text: str
    def __init__(self, code: _Optional[str] = ..., text: _Optional[str] = ..., blocking: bool = ...) -> None: ...

class HealthReply(_message.Message):
    __slots__ = ["ready", "reasons"]
    READY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    ready: bool
    reasons: _containers.RepeatedCompositeFieldContainer[HealthReason]
    def __init__(self, ready: bool = ..., reasons: _Optional[_Iterable[_Union[HealthReason, _Mapping]]] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ["batch_rows_max", "frame_bytes_max", "in_flight_max", "protocol", "server_id", "server_version"]
    BATCH_ROWS_MAX_FIELD_NUMBER: _ClassVar[int]
    FRAME_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_MAX_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    batch_rows_max: int
    frame_bytes_max: int
    in_flight_max: int
    protocol: int
    server_id: bytes
    server_version: str
    def __init__(self, protocol: _Optional[int] = ..., server_version: _Optional[str] = ..., server_id: _Optional[bytes] = ..., frame_bytes_max: _Optional[int] = ..., in_flight_max: _Optional[int] = ..., batch_rows_max: _Optional[int] = ...) -> None: ...

class HelloRequest(_message.Message):
    __slots__ = ["accepts_lz4", "client_name", "client_version", "protocol"]
    ACCEPTS_LZ4_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    accepts_lz4: bool
    client_name: str
    client_version: str
    protocol: int
    def __init__(self, protocol: _Optional[int] = ..., client_name: _Optional[str] = ..., client_version: _Optional[str] = ..., accepts_lz4: bool = ...) -> None: ...

class ListModelsReply(_message.Message):
    __slots__ = ["models"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelVersion]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelVersion, _Mapping]]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ["aliases", "bundle", "digest", "refused", "unproven", "version"]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    UNPROVEN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedScalarFieldContainer[str]
    bundle: str
    digest: bytes
    refused: str
    unproven: bool
    version: int
    def __init__(self, bundle: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[bytes] = ..., aliases: _Optional[_Iterable[str]] = ..., unproven: bool = ..., refused: _Optional[str] = ...) -> None: ...

class PersonalData(_message.Message):
    __slots__ = ["account", "device", "free_text", "subject"]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    FREE_TEXT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    account: str
    device: str
    free_text: str
    subject: str
    def __init__(self, subject: _Optional[str] = ..., account: _Optional[str] = ..., device: _Optional[str] = ..., free_text: _Optional[str] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ["key", "value"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ["code", "contribution", "feature", "text", "threshold", "value"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    code: str
    contribution: float
    feature: str
    text: str
    threshold: float
    value: float
    def __init__(self, code: _Optional[str] = ..., feature: _Optional[str] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., contribution: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ["decision", "describe_model", "error", "fetch_bundle", "get_decision", "health", "hello", "id", "list_models", "rollback", "score_batch", "set_alias", "stats", "status"]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    DESCRIBE_MODEL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FETCH_BUNDLE_FIELD_NUMBER: _ClassVar[int]
    GET_DECISION_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LIST_MODELS_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    SCORE_BATCH_FIELD_NUMBER: _ClassVar[int]
    SET_ALIAS_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    describe_model: DescribeModelReply
    error: Error
    fetch_bundle: FetchBundleReply
    get_decision: GetDecisionReply
    health: HealthReply
    hello: HelloReply
    id: int
    list_models: ListModelsReply
    rollback: RollbackReply
    score_batch: ScoreBatchReply
    set_alias: SetAliasReply
    stats: StatsReply
    status: Status
    def __init__(self, id: _Optional[int] = ..., status: _Optional[_Union[Status, str]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., score_batch: _Optional[_Union[ScoreBatchReply, _Mapping]] = ..., hello: _Optional[_Union[HelloReply, _Mapping]] = ..., health: _Optional[_Union[HealthReply, _Mapping]] = ..., get_decision: _Optional[_Union[GetDecisionReply, _Mapping]] = ..., list_models: _Optional[_Union[ListModelsReply, _Mapping]] = ..., describe_model: _Optional[_Union[DescribeModelReply, _Mapping]] = ..., fetch_bundle: _Optional[_Union[FetchBundleReply, _Mapping]] = ..., stats: _Optional[_Union[StatsReply, _Mapping]] = ..., set_alias: _Optional[_Union[SetAliasReply, _Mapping]] = ..., rollback: _Optional[_Union[RollbackReply, _Mapping]] = ...) -> None: ...

class Request(_message.Message):
    __slots__ = ["deadline_us", "describe_model", "fetch_bundle", "get_decision", "health", "hello", "id", "list_models", "rollback", "score", "score_batch", "set_alias", "stats"]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    DESCRIBE_MODEL_FIELD_NUMBER: _ClassVar[int]
    FETCH_BUNDLE_FIELD_NUMBER: _ClassVar[int]
    GET_DECISION_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LIST_MODELS_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    SCORE_BATCH_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SET_ALIAS_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    deadline_us: int
    describe_model: DescribeModelRequest
    fetch_bundle: FetchBundleRequest
    get_decision: GetDecisionRequest
    health: HealthRequest
    hello: HelloRequest
    id: int
    list_models: ListModelsRequest
    rollback: RollbackRequest
    score: ScoreRequest
    score_batch: ScoreBatchRequest
    set_alias: SetAliasRequest
    stats: StatsRequest
    def __init__(self, id: _Optional[int] = ..., deadline_us: _Optional[int] = ..., score: _Optional[_Union[ScoreRequest, _Mapping]] = ..., score_batch: _Optional[_Union[ScoreBatchRequest, _Mapping]] = ..., hello: _Optional[_Union[HelloRequest, _Mapping]] = ..., health: _Optional[_Union[HealthRequest, _Mapping]] = ..., get_decision: _Optional[_Union[GetDecisionRequest, _Mapping]] = ..., list_models: _Optional[_Union[ListModelsRequest, _Mapping]] = ..., describe_model: _Optional[_Union[DescribeModelRequest, _Mapping]] = ..., fetch_bundle: _Optional[_Union[FetchBundleRequest, _Mapping]] = ..., stats: _Optional[_Union[StatsRequest, _Mapping]] = ..., set_alias: _Optional[_Union[SetAliasRequest, _Mapping]] = ..., rollback: _Optional[_Union[RollbackRequest, _Mapping]] = ...) -> None: ...

class RollbackReply(_message.Message):
    __slots__ = ["previous_version", "version"]
    PREVIOUS_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    previous_version: int
    version: int
    def __init__(self, previous_version: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ["alias", "bundle", "who", "why"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bundle: str
    who: str
    why: str
    def __init__(self, bundle: _Optional[str] = ..., alias: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class ScoreBatchReply(_message.Message):
    __slots__ = ["all_scores", "audit_sequence_first", "bundle", "digest", "outcomes", "raw", "scores", "server_ns", "stage", "unproven", "version"]
    ALL_SCORES_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SEQUENCE_FIRST_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SERVER_NS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    UNPROVEN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    all_scores: _containers.RepeatedScalarFieldContainer[float]
    audit_sequence_first: int
    bundle: str
    digest: bytes
    outcomes: _containers.RepeatedScalarFieldContainer[Outcome]
    raw: _containers.RepeatedScalarFieldContainer[float]
    scores: _containers.RepeatedScalarFieldContainer[float]
    server_ns: int
    stage: Stage
    unproven: bool
    version: int
    def __init__(self, scores: _Optional[_Iterable[float]] = ..., outcomes: _Optional[_Iterable[_Union[Outcome, str]]] = ..., stage: _Optional[_Union[Stage, str]] = ..., bundle: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[bytes] = ..., audit_sequence_first: _Optional[int] = ..., server_ns: _Optional[int] = ..., all_scores: _Optional[_Iterable[float]] = ..., raw: _Optional[_Iterable[float]] = ..., unproven: bool = ...) -> None: ...

class ScoreBatchRequest(_message.Message):
    __slots__ = ["alias", "bundle", "caller", "durability", "features32", "features64", "include_raw", "personal", "row_count", "transaction_ids", "version"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    FEATURES32_FIELD_NUMBER: _ClassVar[int]
    FEATURES64_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RAW_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_IDS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bundle: str
    caller: str
    durability: Durability
    features32: _containers.RepeatedScalarFieldContainer[float]
    features64: _containers.RepeatedScalarFieldContainer[float]
    include_raw: bool
    personal: _containers.RepeatedCompositeFieldContainer[PersonalData]
    row_count: int
    transaction_ids: _containers.RepeatedScalarFieldContainer[str]
    version: int
    def __init__(self, bundle: _Optional[str] = ..., features32: _Optional[_Iterable[float]] = ..., features64: _Optional[_Iterable[float]] = ..., row_count: _Optional[int] = ..., transaction_ids: _Optional[_Iterable[str]] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ..., include_raw: bool = ..., caller: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., personal: _Optional[_Iterable[_Union[PersonalData, _Mapping]]] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ["alias", "bitcoin", "bundle", "caller", "card", "durability", "explain", "features32", "features64", "include_raw", "personal", "transaction_id", "version"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BITCOIN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    FEATURES32_FIELD_NUMBER: _ClassVar[int]
    FEATURES64_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RAW_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bitcoin: BitcoinTransaction
    bundle: str
    caller: str
    card: CardTransaction
    durability: Durability
    explain: int
    features32: _containers.RepeatedScalarFieldContainer[float]
    features64: _containers.RepeatedScalarFieldContainer[float]
    include_raw: bool
    personal: PersonalData
    transaction_id: str
    version: int
    def __init__(self, bundle: _Optional[str] = ..., features32: _Optional[_Iterable[float]] = ..., features64: _Optional[_Iterable[float]] = ..., bitcoin: _Optional[_Union[BitcoinTransaction, _Mapping]] = ..., card: _Optional[_Union[CardTransaction, _Mapping]] = ..., transaction_id: _Optional[str] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ..., explain: _Optional[int] = ..., include_raw: bool = ..., caller: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., personal: _Optional[_Union[PersonalData, _Mapping]] = ...) -> None: ...

class SetAliasReply(_message.Message):
    __slots__ = ["previous_version", "version"]
    PREVIOUS_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    previous_version: int
    version: int
    def __init__(self, previous_version: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class SetAliasRequest(_message.Message):
    __slots__ = ["alias", "bundle", "version", "who", "why"]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    alias: str
    bundle: str
    version: int
    who: str
    why: str
    def __init__(self, bundle: _Optional[str] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class StatsReply(_message.Message):
    __slots__ = ["audit_backlog_bytes", "audit_sequence_durable", "audit_sequence_last", "audit_sequence_shipped", "connections_open", "connections_total", "decisions_by_outcome", "decisions_total", "errors_total", "requests_total", "swaps_total", "uptime_us"]
    AUDIT_BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SEQUENCE_DURABLE_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SEQUENCE_LAST_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SEQUENCE_SHIPPED_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_OPEN_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_BY_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ERRORS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    SWAPS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    UPTIME_US_FIELD_NUMBER: _ClassVar[int]
    audit_backlog_bytes: int
    audit_sequence_durable: int
    audit_sequence_last: int
    audit_sequence_shipped: int
    connections_open: int
    connections_total: int
    decisions_by_outcome: _containers.RepeatedScalarFieldContainer[int]
    decisions_total: int
    errors_total: int
    requests_total: int
    swaps_total: int
    uptime_us: int
    def __init__(self, uptime_us: _Optional[int] = ..., connections_open: _Optional[int] = ..., connections_total: _Optional[int] = ..., requests_total: _Optional[int] = ..., decisions_total: _Optional[int] = ..., errors_total: _Optional[int] = ..., audit_sequence_last: _Optional[int] = ..., audit_sequence_durable: _Optional[int] = ..., audit_backlog_bytes: _Optional[int] = ..., audit_sequence_shipped: _Optional[int] = ..., swaps_total: _Optional[int] = ..., decisions_by_outcome: _Optional[_Iterable[int]] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class BitcoinScriptType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class CardEntryMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
