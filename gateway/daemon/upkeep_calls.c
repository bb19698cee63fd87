/*
 * upkeep_calls.c - subject_erase and retention_run
 *
 * Both answer as soon as what they do is in force; the bytes on the disk follow, and `status` tells
 * how far that is. So nobody's withdrawal waits behind a store that is being written anew.
 *
 * All names of an erasure are looked up before anybody is erased: one that is misspelt stops it
 * while it can still be stopped.
 */
#include "daemon/upkeep_calls.h"

#include "base/log.h"
#include "daemon/calls.h"
#include "flow/erasure.h"

#include <stdlib.h>

/* The node's own when it is a daemon's; `sluis` starts one for the call. */
static bool has_upkeep(struct node *node)
{
    return node->upkeep || upkeep_start(node->store, node->config, false, &node->upkeep) == SL_OK;
}

static json_t *failed(const char *text)
{
    char safe[1024];
    text_make_printable(slice_of_str(text), safe, sizeof safe);
    return json_pack("{s:s, s:s}", "outcome", "failed", "text", safe);
}

/* --- subject_erase --------------------------------------------------------------------------- */

struct to_erase {
    struct node *node;
    const json_t *subjects;
    size_t n;
    uint8_t (*ids)[STORE_SUBJECT_ID_BYTES];
};

/* NULL, or the answer that ends the call. */
static json_t *find_all(struct to_erase *to_erase)
{
    SL_AUTO(store_reader) reader = NULL;
    if (store_reader_new(to_erase->node->store, &reader) != SL_OK)
        return failed("the store can't be read: out of memory or reader slots");
    for (size_t i = 0; i < to_erase->n; i++) {
        const json_t *name = json_array_get(to_erase->subjects, i);
        bool found = false;
        if (!json_is_string(name))
            return calls_misused("\"subjects\" is a list of names");
        if (store_find(reader, slice_of(json_string_value(name), json_string_length(name)),
                       to_erase->ids[i], &found) != SL_OK)
            return failed("a subject could not be looked up in the store");
        if (!found)
            return json_pack("{s:s, s:O}", "outcome", "no_subject", "subject", name);
    }
    return NULL;
}

/* One that is gone by now (or was named twice) has no receipt of this call. */
static json_t *erase_all(const struct to_erase *to_erase)
{
    json_t *erased = json_array();
    for (size_t i = 0; i < to_erase->n; i++) {
        struct erasure_receipt receipt;
        enum erasure_outcome outcome = erasure_record(to_erase->node, to_erase->ids[i], &receipt);
        if (outcome == ERASURE_RECORDED)
            json_array_append_new(erased, json_pack("{s:O, s:I}", "subject",
                                                    json_array_get(to_erase->subjects, i),
                                                    "receipt", (json_int_t)receipt.index));
        if (outcome == ERASURE_FAILED) {
            json_t *answer = failed(receipt.text);
            json_object_set_new(answer, "erased", erased);
            return answer;
        }
    }
    return json_pack("{s:s, s:o}", "outcome", "erased", "erased", erased);
}

json_t *upkeep_erase_call(struct node *node, const json_t *request)
{
    struct to_erase to_erase = {.node = node, .subjects = json_object_get(request, "subjects")};
    to_erase.n = json_array_size(to_erase.subjects);
    if (to_erase.n == 0)
        return calls_misused("\"subjects\" is empty");
    to_erase.ids = calloc(to_erase.n, sizeof *to_erase.ids);
    if (!to_erase.ids || !has_upkeep(node)) {
        free(to_erase.ids);
        return failed("out of memory or threads; nobody was erased");
    }
    json_t *answer = find_all(&to_erase);
    if (!answer) {
        answer = erase_all(&to_erase);
        upkeep_wake(node->upkeep);
    }
    free(to_erase.ids);
    return answer;
}

/* --- retention_run --------------------------------------------------------------------------- */

json_t *upkeep_retention_call(struct node *node, const json_t *request)
{
    (void)request;
    if (node->config->retention_policies.n == 0)
        return json_pack("{s:s, s:s}", "outcome", "no_retention", "text",
                         "the configuration has no `retention`: all versions of policies are kept");
    if (!has_upkeep(node))
        return failed("out of memory or threads; nothing was taken away");
    upkeep_retire(node->upkeep);
    return json_pack("{s:s}", "outcome", "started");
}

/* --- status ---------------------------------------------------------------------------------- */

json_t *upkeep_json(struct upkeep *upkeep)
{
    static const char *const states[] = {
        [UPKEEP_IDLE] = "idle", [UPKEEP_WORKING] = "working", [UPKEEP_WAITING] = "waiting"};
    struct upkeep_status status;
    upkeep_status(upkeep, &status);
    json_t *answer = json_pack("{s:s, s:b, s:I}", "state", states[status.state], "clean",
                               (int)status.is_clean, "retired", (json_int_t)status.n_retired);
    if (status.state == UPKEEP_WORKING)
        json_object_set_new(answer, "percent", json_integer(status.percent));
    if (status.text[0]) {
        char safe[1024];
        text_make_printable(slice_of_str(status.text), safe, sizeof safe);
        json_object_set_new(answer, "text", json_string(safe));
    }
    return answer;
}
