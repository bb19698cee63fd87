/*
 * stop.c - withdrawing a consent: one click, one confirmation that says what follows, no fresh
 * login
 *
 * "Stopped" is said when the withdrawal is a receipt in the ledger, under a signed checkpoint; then
 * no release that comes later rests on it (promise 4). Until then it is not stopped, and if it
 * can't be written down, the page says that.
 */
#include "edge/page/view.h"

#include "base/log.h"
#include "flow/consent.h"
#include "flow/withdraw.h"

#include <stdlib.h>

/* "/consents/ID/stop": the ID, which is an id's characters only; empty otherwise. */
static struct slice consent_id(const struct view *view)
{
    static const struct slice end = SLICE_LITERAL("/stop");
    struct slice rest = view->rest;
    if (rest.n <= end.n || !slice_equals(slice_of(rest.p + rest.n - end.n, end.n), end))
        return slice_of(NULL, 0);
    return slice_of(rest.p, rest.n - end.n);
}

static const struct policy_consent *consent_find(const struct policy_document *policy,
                                                 struct slice id)
{
    for (size_t i = 0; policy && i < policy->n_consents; i++)
        if (slice_equals(policy->consents[i].id, id))
            return &policy->consents[i];
    return NULL;
}

static void write_question(struct view *view, const struct policy_consent *consent,
                           uint64_t version)
{
    view_begin(view, 200, WORD_STOP_TITLE);
    view_str(view, "<p>");
    view_word(view, WORD_STOP_NOW);
    html_name(&view->html, view_partner_label(view, consent->partner));
    view_str(view, ":</p><ul>");
    for (size_t i = 0; i < consent->n_grants; i++) {
        view_str(view, "<li>");
        html_text(&view->html, view_term_label(view, &consent->grants[i].class->term));
        view_str(view, "</li>");
    }
    view_str(view, "</ul>");
    if (consent->in_return.n > 0) {
        view_str(view, "<p>");
        view_word(view, WORD_STOP_RETURN);
        html_name(&view->html, consent->in_return);
        view_str(view, "</p>");
    }
    view_str(view, "<p>");
    view_word(view, WORD_STOP_PAST);
    view_str(view, "</p>");
    view_form(view, "/consents/", view->rest);
    view_str(view, "<input type=\"hidden\" name=\"version\" value=\"");
    write_decimal(&view->html, version);
    view_str(view, "\"><p class=\"choice\"><button class=\"stop\">");
    view_word(view, WORD_STOP_CONFIRM);
    view_str(view, "</button> <a class=\"button\" href=\"/\">");
    view_word(view, WORD_STOP_KEEP);
    view_str(view, "</a></p></form>");
    view_end(view);
}

void stop_ask(struct view *view)
{
    struct view_policy policy;
    if (view_policy_load(view, &policy) != SL_OK) {
        view_message(view, 500, WORD_STOP_TITLE, WORD_PROBLEM_READ);
        return;
    }
    const struct policy_consent *consent = consent_find(policy.document, consent_id(view));
    if (consent)
        write_question(view, consent, policy.version);
    else
        view_message(view, 404, WORD_STOP_TITLE, WORD_STOP_GONE);
    view_policy_free(&policy);
}

static void write_stopped(struct view *view, const struct consent_receipt *receipt)
{
    char text[TIMESTAMP_BYTES];
    struct writer moment = writer_over(text, sizeof text);
    write_timestamp_ms(&moment, clock_now_ms());
    view_begin(view, 200, WORD_STOP_TITLE);
    view_str(view, "<p role=\"status\" class=\"done\">");
    view_word(view, WORD_STOPPED);
    write_decimal(&view->html, receipt->index);
    view_word(view, WORD_STOPPED_AT);
    view_str(view, "<time>");
    html_text(&view->html, writer_slice(&moment));
    view_str(view, "</time>.</p><p><a href=\"/\">");
    view_word(view, WORD_BACK);
    view_str(view, "</a></p>");
    view_end(view);
}

static void put(struct view *view, struct slice yaml, uint64_t version)
{
    struct yaml_problems problems;
    struct consent_receipt receipt = {0};
    yaml_problems_init(&problems, "policy");
    const enum consent_outcome outcome =
        consent_put(view->node, yaml, (int64_t)version, &problems, &receipt);
    yaml_problems_deinit(&problems);
    switch (outcome) {
    case CONSENT_RECORDED:
        write_stopped(view, &receipt);
        return;
    case CONSENT_CONFLICT:
    case CONSENT_UNCHANGED:
        view_message(view, 409, WORD_STOP_TITLE, WORD_STOP_GONE);
        return;
    case CONSENT_INVALID:
    case CONSENT_TAKEN:
    case CONSENT_FAILED:
        log_error("a withdrawal on the page could not be recorded: %s",
                  receipt.text[0] ? receipt.text : "the policy that is left is not valid");
        view_message(view, 503, WORD_STOP_TITLE, WORD_STOP_FAILED);
        return;
    }
}

void stop_do(struct view *view)
{
    struct view_policy policy;
    if (view_policy_load(view, &policy) != SL_OK) {
        view_message(view, 500, WORD_STOP_TITLE, WORD_PROBLEM_READ);
        return;
    }
    const size_t cap = policy.yaml_n + 64;
    uint8_t *block = malloc(cap);
    struct writer left = writer_over(block, block ? cap : 0);
    const enum withdraw_outcome outcome =
        withdraw_consent(slice_of(policy.yaml, policy.yaml_n), consent_id(view), &left);
    if (outcome == WITHDRAW_NO_SUCH_CONSENT)
        view_message(view, 409, WORD_STOP_TITLE, WORD_STOP_GONE);
    else if (outcome == WITHDRAW_BY_HAND)
        view_message(view, 409, WORD_STOP_TITLE, WORD_BY_HAND);
    else if (left.overflow)
        view_message(view, 500, WORD_STOP_TITLE, WORD_STOP_FAILED);
    else
        put(view, writer_slice(&left), policy.version);
    free(block);
    view_policy_free(&policy);
}
