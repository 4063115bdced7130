"""The modules whose mutants must be noticed, each with the tests that are about it."""

from __future__ import annotations

MODULES: dict[str, tuple[str, ...]] = {
    "naverplace/rules/engine.py": (
        "tests/rules/test_engine.py",
        "tests/rules/test_rule_laws.py",
        "tests/rules/test_plain_deciding.py",
        "tests/rules/test_day_ahead.py",
    ),
    "naverplace/rules/conditions.py": (
        "tests/rules/test_conditions.py",
        "tests/rules/test_explanation.py",
        "tests/rules/test_plain_deciding.py",
        "tests/rules/test_shipped_rules.py",
        "tests/rules/test_wishes.py",
    ),
    "naverplace/rules/expiry.py": ("tests/rules/test_expiry.py",),
    "naverplace/rules/rescheduling.py": ("tests/rules/test_rescheduling.py",),
    "naverplace/ledger/reservations.py": (
        "tests/ledger/test_reservations.py",
        "tests/migration/cutover/test_handback.py",
    ),
    "naverplace/ledger/message_ledger.py": (
        "tests/ledger/test_claims.py",
        "tests/domain/test_records.py",
        "tests/ledger/test_tables.py",
    ),
    "naverplace/ledger/store_state.py": ("tests/ledger/test_store_state.py",),
    "naverplace/ledger/store_lock.py": (
        "tests/ledger/test_held_stores.py",
        "tests/ledger/test_store_lock.py",
    ),
    "naverplace/ledger/caps.py": ("tests/ledger/test_caps.py",),
    "naverplace/ledger/phone_counter.py": ("tests/ledger/test_phone_counter.py",),
    "naverplace/delivery/deliver.py": (
        "tests/delivery/test_resolving.py",
        "tests/delivery/test_delivery.py",
    ),
    "naverplace/delivery/executor.py": (
        "tests/delivery/test_executor.py",
        "tests/delivery/test_delivery.py",
    ),
    "naverplace/delivery/in_doubt.py": (
        "tests/delivery/test_in_doubt.py",
        "tests/delivery/test_in_doubt_resolver.py",
        "tests/delivery/test_resending.py",
    ),
    "naverplace/delivery/send_caps.py": (
        "tests/model/test_ledger_machine.py::test_the_short_plays_keep_every_promise",
        "tests/pipeline/test_caps.py",
    ),
    "naverplace/domain/record_matching.py": ("tests/domain/test_record_matching.py",),
    "naverplace/domain/notification_routing.py": (
        "tests/domain/test_notification_routing.py",
        "tests/rules/test_rulebook.py",
        "tests/reporting/test_owner_messages.py",
    ),
}
