"""The numbers of derived features (docs/FEATURES.md), which a schema names as sources."""

from __future__ import annotations

from typing import Dict

_BITCOIN = """
size weight vsize fee fee_rate input_count output_count input_value output_value change_ratio witness_share rbf locktime_set
coinbase coin_age coin_days_destroyed coin_age_min coin_age_max largest_output_share largest_input_share largest_output_value
smallest_output_value round_output_count round_output_share dust_output_count value_per_input value_per_output fee_share tx_version
locktime sigops witness_bytes same_type_output_share input_script_types output_script_types first_seen_hour first_seen_weekday
""".split()

_SCRIPT_TYPES = "p2pk p2pkh p2sh multisig p2wpkh p2wsh p2tr p2a op_return nonstandard".split()

_CARD = """
amount amount_log elapsed_seconds hour_of_day day_of_week weekend round_amount refund cross_border merchant_category entry_mode
""".split()

_ENTRY_MODES = "chip contactless magstripe manual ecommerce".split()


def _sources() -> Dict[str, int]:
    sources = {f"bitcoin.{name}": 1 + index for index, name in enumerate(_BITCOIN)}
    for number, kind in enumerate(_SCRIPT_TYPES, 1):
        # Nothing spends an OP_RETURN.
        if kind != "op_return":
            sources[f"bitcoin.input_{kind}_count"] = 100 + number
            sources[f"bitcoin.input_{kind}_share"] = 120 + number
        sources[f"bitcoin.output_{kind}_count"] = 140 + number
        sources[f"bitcoin.output_{kind}_share"] = 160 + number
    sources.update({f"card.{name}": 1000 + index for index, name in enumerate(_CARD)})
    sources.update({f"card.entry_{mode}": 1020 + number for number, mode in enumerate(_ENTRY_MODES, 1)})
    sources.update({f"card.v{number}": 1100 + number for number in range(1, 29)})
    return sources


SOURCES = _sources()
