"""The refusals that only a service knows, by route: status, then the codes that say why.

What follows from a route itself (credentials, permissions, an id, a body) is derived in `api_document`. A test calls
every route with generated requests and fails on a code that is neither there nor here.
"""

RAISED: dict[str, dict[int, tuple[str, ...]]] = {
    "activate_pixel": {
        409: ("reauthorization_needed",),
        503: (
            "shopify_unreachable",
            "token_busy",
        ),
    },
    "add_dead_letter_note": {404: ("dead_group_unknown",)},
    "adopt_micro_segment": {404: ("micro_segment_unknown",), 409: ("segment_name_taken",)},
    "ask_worker": {
        404: ("process_unknown",),
        409: (
            "process_not_reachable",
            "process_takes_no_commands",
        ),
    },
    "cancel_campaign": {404: ("campaign_unknown",), 409: ("state_refused",)},
    "cancel_job": {404: ("job_unknown",), 409: ("job_not_cancellable",)},
    "cancel_sync": {404: ("sync_unknown",), 409: ("sync_over",)},
    "cancel_workflow": {404: ("workflow_unknown",), 409: ("workflow_over",)},
    "change_alert_rule": {404: ("alert_rule_unknown",)},
    "change_campaign": {
        404: (
            "campaign_unknown",
            "segment_unknown",
        ),
        409: (
            "campaign_locked",
            "version_conflict",
        ),
    },
    "change_schedule": {404: ("schedule_unknown",), 409: ("schedule_of_code",)},
    "close_circuit": {503: ("circuits_unknown",)},
    "count_audience": {404: ("campaign_unknown",), 503: ("segment_too_slow",)},
    "create_campaign": {404: ("not_found",)},
    "create_schedule": {409: ("too_many_schedules",)},
    "create_segment": {
        409: ("segment_name_taken",),
        422: (
            "invalid",
            "rules_invalid",
        ),
    },
    "create_workflow": {
        422: (
            "invalid",
            "workflow_invalid",
        )
    },
    "delete_alert_channel": {404: ("alert_channel_unknown",)},
    "delete_alert_rule": {404: ("alert_rule_unknown",)},
    "delete_campaign": {404: ("campaign_unknown",), 409: ("state_refused",)},
    "delete_schedule": {404: ("schedule_unknown",), 409: ("schedule_of_code",)},
    "discard_dead_letters": {404: ("dead_group_unknown",)},
    "discard_job": {404: ("job_unknown",)},
    "duplicate_campaign": {404: ("campaign_unknown",)},
    "get_dead_letters": {404: ("dead_group_unknown",)},
    "get_job": {404: ("job_unknown",)},
    "get_job_family": {404: ("job_unknown",)},
    "get_schedule": {404: ("schedule_unknown",)},
    "get_workflow": {404: ("workflow_unknown",)},
    "list_circuits": {503: ("circuits_unknown",)},
    "list_job_logs": {404: ("job_unknown",)},
    "list_recipients": {404: ("campaign_unknown",)},
    "mute_alert_rule": {404: ("alert_rule_unknown",)},
    "pause_campaign": {404: ("campaign_unknown",), 409: ("state_refused",)},
    "pause_job_kind": {404: ("limit_subject_unknown",)},
    "pause_queue": {404: ("limit_subject_unknown",)},
    "pause_schedule": {404: ("schedule_unknown",)},
    "pause_workflow": {404: ("workflow_unknown",), 409: ("workflow_over",)},
    "preview_campaign": {
        404: (
            "campaign_unknown",
            "customer_unknown",
        ),
        422: ("test_refused",),
    },
    "preview_segment": {422: ("rules_invalid",), 503: ("segment_too_slow",)},
    "put_limit": {404: ("limit_subject_unknown",)},
    "read_campaign": {404: ("campaign_unknown",)},
    "read_customer": {404: ("customer_unknown",)},
    "read_gate": {404: ("campaign_unknown",)},
    "read_privacy_request": {404: ("privacy_request_unknown",)},
    "read_report": {404: ("campaign_unknown",)},
    "read_segment": {404: ("segment_unknown",)},
    "read_sync": {404: ("sync_unknown",)},
    "remove_segment": {404: ("segment_unknown",)},
    "replace_segment": {
        404: ("segment_unknown",),
        409: (
            "segment_name_taken",
            "version_conflict",
        ),
        422: ("rules_invalid",),
    },
    "replay_dead_letters": {404: ("dead_group_unknown",)},
    "resume_campaign": {404: ("campaign_unknown",), 409: ("state_refused",)},
    "resume_schedule": {404: ("schedule_unknown",)},
    "resume_workflow": {404: ("workflow_unknown",), 409: ("workflow_over",)},
    "retry_job": {404: ("job_unknown",), 409: ("job_not_retryable",)},
    "retry_workflow": {
        404: ("workflow_unknown",),
        409: (
            "workflow_not_retryable",
            "workflow_under_way",
        ),
    },
    "run_schedule": {404: ("schedule_unknown",), 409: ("schedule_busy",)},
    "send_campaign": {
        404: ("campaign_unknown",),
        409: (
            "audience_changed",
            "campaign_not_ready",
            "state_refused",
        ),
    },
    "send_test": {404: ("campaign_unknown",), 409: ("sender_missing",), 422: ("test_refused",)},
    "skip_schedule": {404: ("schedule_unknown",)},
    "test_alert_channel": {404: ("alert_channel_unknown",)},
    "unskip_schedule": {404: ("schedule_unknown",)},
}
