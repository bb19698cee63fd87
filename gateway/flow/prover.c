/*
 * prover.c - one receipt, its proof, and who may have them
 *
 *     {"origin":"..","index":17,"receipt":"{\"sluis\":1,..}","proof":"c2sp.org/tlog-proof@v1\n.."}
 *
 * The proof is under the checkpoint that everybody is shown, when it covers the receipt: then a
 * partner and an auditor hold the same one. A receipt that is newer than that is proven under the
 * ledger's newest.
 */
#include "flow/prover.h"

#include "base/log.h"
#include "base/thread.h"
#include "base/timestamp.h"
#include "ledger/ledger_reader.h"
#include "ledger/note_lines.h"
#include "ledger/tlog_proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In JSON a byte of a note takes two at most, a byte of a receipt six. */
enum { BODY_BYTES_MAX = 2 * TLOG_PROOF_BYTES_MAX + 6 * LEAF_BYTES_MAX + 1024 };

struct prover {
    struct node *node;
    struct ledger_reader *reader;
    struct mailbox submitted;
    atomic_uint_fast64_t n_queued;
    atomic_bool stopping;
    pthread_t thread;
    bool is_running;
    int64_t say_again_ms; /* when the next failure may be logged */
    uint8_t note[NOTE_BYTES_MAX];
    uint8_t proof[TLOG_PROOF_BYTES_MAX];
    uint8_t body[BODY_BYTES_MAX];
};

/* ---------------------------------------------------------------------------- one request -- */

static bool is_flow_of(struct slice bytes, const struct prover_request *request)
{
    struct leaf leaf;
    if (leaf_parse(bytes, &leaf) != SL_OK)
        return false;
    return (leaf.partner.n > 0 && slice_equals(leaf.partner, request->partner)) ||
           (leaf.app.n > 0 && slice_equals(leaf.app, request->app));
}

static uint64_t size_of_note(struct slice note)
{
    struct note_lines lines;
    struct checkpoint checkpoint;
    bool sound = note_lines_open(note, &lines) &&
                 checkpoint_parse_extended(lines.text, &checkpoint) == SL_OK;
    return sound ? checkpoint.size : 0;
}

/* The checkpoint to prove under, and its size; it covers the receipt. */
static struct slice choose_note(struct prover *prover, const struct ledger_head *head,
                                uint64_t index, uint64_t *size)
{
    struct slice shown = slice_of(prover->note, node_note(prover->node, prover->note));
    *size = shown.n > 0 ? size_of_note(shown) : 0;
    if (*size > index && *size <= head->tree.size)
        return shown;
    *size = head->tree.size;
    return slice_of(head->note, head->note_n);
}

/* The answer's JSON, in prover->body. SL_ELIMIT when it does not fit. */
static enum sl_err write_body(struct prover *prover, const struct tlog_proof *proof,
                              struct slice leaf, struct slice *out)
{
    struct writer text = writer_over(prover->proof, sizeof prover->proof);
    struct writer writer = writer_over(prover->body, sizeof prover->body);
    SL_TRY(tlog_proof_write(proof, &text));
    write_str(&writer, "{\"origin\":");
    write_json_string(&writer, prover->node->config->origin);
    write_str(&writer, ",\"index\":");
    write_decimal(&writer, proof->index);
    write_str(&writer, ",\"receipt\":");
    write_json_string(&writer, leaf);
    write_str(&writer, ",\"proof\":");
    write_json_string(&writer, writer_slice(&text));
    write_str(&writer, "}\n");
    *out = writer_slice(&writer);
    return writer.overflow ? SL_ELIMIT : SL_OK;
}

static enum sl_err prove(struct prover *prover, struct prover_request *request, bool *is_there)
{
    struct ledger_head head;
    struct slice leaf, body;
    struct tlog_proof proof = {.index = request->index};
    ledger_reader_head(prover->reader, &head);
    *is_there = request->index < head.tree.size;
    if (*is_there) {
        SL_TRY(ledger_reader_leaf(prover->reader, &head, request->index, &leaf));
        *is_there = is_flow_of(leaf, request);
    }
    if (!*is_there)
        return SL_OK;
    uint64_t size;
    proof.checkpoint = choose_note(prover, &head, request->index, &size);
    SL_TRY(ledger_reader_inclusion(prover->reader, &head, request->index, size, &proof.proof));
    SL_TRY(ledger_reader_leaf(prover->reader, &head, request->index, &leaf));
    SL_TRY(write_body(prover, &proof, leaf, &body));
    request->body = malloc(body.n);
    if (!request->body)
        return SL_EINTERNAL;
    memcpy(request->body, body.p, body.n);
    request->body_n = body.n;
    return SL_OK;
}

static void log_failure(struct prover *prover, enum sl_err err)
{
    enum { QUIET_MS = 10000 };
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < prover->say_again_ms)
        return;
    prover->say_again_ms = now_ms + QUIET_MS;
    log_error("a receipt can't be proven: %s",
              err == SL_ESTORE ? ledger_reader_problem(prover->reader) : sl_err_name(err));
}

static void answer(struct prover *prover, struct prover_request *request)
{
    bool is_there = false;
    enum sl_err err = prove(prover, request, &is_there);
    if (err != SL_OK)
        log_failure(prover, err);
    request->outcome = err != SL_OK ? PROVER_UNREADABLE
                       : is_there   ? PROVER_PROVEN
                                    : PROVER_NOT_THERE;
    atomic_fetch_sub_explicit(&prover->n_queued, 1, memory_order_relaxed);
    if (mailbox_put(request->reply_to, &request->mail))
        mailbox_wake(request->reply_to);
}

/* ------------------------------------------------------------------------------ the thread -- */

static void *prove_all(void *context)
{
    struct prover *prover = context;
    for (;;) {
        bool stopping = atomic_load(&prover->stopping);
        struct mail *mail = mailbox_take(&prover->submitted);
        if (!mail && stopping)
            return NULL;
        if (!mail)
            mailbox_wait(&prover->submitted);
        for (struct mail *next; mail; mail = next) {
            next = mail->next;
            answer(prover, (struct prover_request *)(void *)mail);
        }
    }
}

bool prover_submit(struct prover *prover, struct prover_request *request)
{
    uint64_t n_before = atomic_fetch_add_explicit(&prover->n_queued, 1, memory_order_relaxed);
    if (n_before >= prover->node->config->limits.queue_proofs) {
        atomic_fetch_sub_explicit(&prover->n_queued, 1, memory_order_relaxed);
        return false;
    }
    if (mailbox_put(&prover->submitted, &request->mail))
        mailbox_wake(&prover->submitted);
    return true;
}

enum sl_err prover_start(struct node *node, struct prover **out)
{
    struct prover *prover = calloc(1, sizeof *prover);
    if (!prover)
        return SL_EINTERNAL;
    prover->node = node;
    prover->submitted.event_fd = -1;
    struct recorder_problem problem;
    enum sl_err err = mailbox_init(&prover->submitted);
    if (err == SL_OK)
        err = recorder_reader_new(node->recorder, &problem, &prover->reader);
    if (err == SL_OK)
        err = thread_start(&prover->thread, "prover", prove_all, prover);
    prover->is_running = err == SL_OK;
    if (err != SL_OK) {
        prover_stop(prover);
        return err;
    }
    *out = prover;
    return SL_OK;
}

void prover_stop(struct prover *prover)
{
    if (!prover)
        return;
    if (prover->is_running) {
        atomic_store(&prover->stopping, true);
        mailbox_wake(&prover->submitted);
        pthread_join(prover->thread, NULL);
    }
    ledger_reader_free(prover->reader);
    if (prover->submitted.event_fd >= 0)
        mailbox_deinit(&prover->submitted);
    free(prover);
}
