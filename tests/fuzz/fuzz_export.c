/*
 * fuzz_export.c - any bytes as an export, and an export of any history
 *
 * The first byte says which.
 *   'x'  a text, checked under the key of the made-up log: it holds receipts, or it is said why not
 *   'h'  two bytes for each version of a policy, and a word: the records of that history hold, and
 *        with another word in that place they don't
 */
#include "../unit/evidence/made.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Another word in the n-th place, or somewhere. False: the value is no record, or has no words. */
static bool alter_somewhere(json_t *value, size_t n)
{
    size_t left = n;
    if (made_alter(value, &left))
        return true;
    left = SIZE_MAX;
    (void)made_alter(value, &left);
    size_t n_words = SIZE_MAX - left;
    left = n_words > 0 ? n % n_words : 0;
    return n_words > 0 && made_alter(value, &left);
}

static void try_text(struct slice text)
{
    struct signing log;
    struct export_report report;
    signing_init(&log, "gateway.example/1", VKEY_ED25519, MADE_LOG_SEED);
    const struct sluis_trust trust = {.vkey = log.vkey_text};
    enum sluis_verify_result result = export_check(text, &trust, NULL, &report);
    SL_ASSERT(result == SLUIS_VERIFY_VALID ? report.n_receipts > 0 : report.problem[0] != 0);
    export_report_free(&report);
}

/* Consents of each version: bits 0 to 2; how precise: the second byte. Neither: not kept. */
static void add_version(struct made *made, uint8_t consents, uint8_t precision)
{
    char yaml[1024] = "sluis: 1\nsubject: lotte\ntimezone: Europe/Amsterdam\n";
    size_t n = strlen(yaml);
    if (consents == 0xff) {
        history_gone(&made->history);
        return;
    }
    if (consents & 7)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, "consents:\n");
    for (unsigned i = 0; i < 3; i++) {
        if (consents >> i & 1)
            n += (size_t)snprintf(yaml + n, sizeof yaml - n,
                                  "  - {id: c%u, app: waze, partner: spotify, purpose: "
                                  "recommendation, in_return: x, %sdata: {location: {precision: "
                                  "%ukm}}}\n",
                                  i, consents & 8 ? "until: 1970-01-02, " : "",
                                  1 + (precision >> 2 * i) % 4);
    }
    history_policy(&made->history, yaml, slice_of(NULL, 0), (struct leaf_policy){0});
}

static void try_record(const struct made *made, json_t *record, size_t word)
{
    struct export_report report;
    SL_ASSERT(record);
    SL_ASSERT(made_check(made, record, &report) == SLUIS_VERIFY_VALID);
    export_report_free(&report);
    json_t *other = json_deep_copy(record);
    SL_ASSERT(alter_somewhere(other, word));
    SL_ASSERT(made_check(made, other, &report) == SLUIS_VERIFY_INVALID);
    export_report_free(&report);
    json_decref(other);
    json_decref(record);
}

static void try_history(const uint8_t *data, size_t size)
{
    struct made made;
    if (size < 5)
        return;
    size_t word = data[0] + 256u * data[1];
    const bool is_erased = data[2] & 1, is_late = data[2] & 2;
    memset(&made, 0, sizeof made);
    history_begin(&made.history);
    for (size_t i = 3; i + 1 < size && made.history.n_leaves + 1 < HISTORY_LEAVES_MAX; i += 2)
        add_version(&made, data[i], data[i + 1]);
    if (is_erased)
        history_erase(&made.history);
    made_end(&made, is_late ? 1000000000 : 100000);
    for (size_t i = 0; i < made.lives.n; i++) {
        const struct consent_life *life = &made.lives.list[i];
        made.record.life = life;
        try_record(&made, record_dpv(&made.record), word);
        for (size_t k = 0; k < life->n_events; k++) {
            if (life->events[k].consent)
                try_record(&made, record_kantara(&made.record, k), word);
        }
    }
    made_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'x')
        try_text(slice_of(data + 1, size - 1));
    else if (size > 0 && data[0] == 'h')
        try_history(data + 1, size - 1);
    return 0;
}
