/*
 * node.c - what the recorder asks its store for, answered from arithmetic
 */
#include "node.h"

#include "base/timestamp.h"
#include "ledger/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECTS = 1000 };

static void subject_id(size_t who, uint8_t id[SUBJECT_ID_BYTES])
{
    uint64_t mixed = (who + 1) * 0x9e3779b97f4a7c15u;
    memcpy(id, &mixed, sizeof mixed);
    memcpy(id + sizeof mixed, &who, sizeof who);
}

static enum sl_err load_subject(void *context, const uint8_t subject[SUBJECT_ID_BYTES],
                                uint8_t key[SUBJECT_KEY_BYTES], uint64_t *policy_version)
{
    (void)context;
    memcpy(key, subject, SUBJECT_ID_BYTES);
    memcpy(key + SUBJECT_ID_BYTES, subject, SUBJECT_ID_BYTES);
    *policy_version = 1;
    return SL_OK;
}

static enum sl_err commit_change(void *context, struct record *record)
{
    (void)context;
    (void)record;
    return SL_OK;
}

static enum sl_err each_subject(void *context,
                                bool (*visit)(void *visit_context,
                                              const uint8_t id[SUBJECT_ID_BYTES],
                                              const uint8_t key[SUBJECT_KEY_BYTES]),
                                void *visit_context)
{
    for (size_t who = 0; who < SUBJECTS; who++) {
        uint8_t id[SUBJECT_ID_BYTES], key[SUBJECT_KEY_BYTES];
        uint64_t version;
        subject_id(who, id);
        if (load_subject(context, id, key, &version) != SL_OK || !visit(visit_context, id, key))
            break;
    }
    return SL_OK;
}

void bench_node_config(struct bench_node *node, const char *root, struct recorder_config *config)
{
    snprintf(node->folder, sizeof node->folder, "%s/ledger", root);
    snprintf(node->index_folder, sizeof node->index_folder, "%s/index", root);
    snprintf(node->key_file, sizeof node->key_file, "%s/key.pem", root);
    snprintf(node->vkey_file, sizeof node->vkey_file, "%s/ledger.vkey", root);
    node->limits = limits_default();
    node->limits.queue_receipts = LIMIT_MAX_queue_receipts;
    *config = (struct recorder_config){
        .folder = node->folder,
        .index_folder = node->index_folder,
        .origin = SLICE_LITERAL(BENCH_ORIGIN),
        .key_file = node->key_file,
        .vkey_file = node->vkey_file,
        .limits = &node->limits,
        .ops = {.load_subject = load_subject,
                .commit_change = commit_change,
                .each_subject = each_subject},
    };
}

void bench_node_open(struct bench_node *node, const char *root)
{
    struct note_problem note_problem = {0};
    struct recorder_problem problem = {0};
    struct recorder_config config;
    bench_node_config(node, root, &config);
    if (note_key_generate(node->key_file, node->vkey_file, config.origin, &note_problem) != SL_OK ||
        recorder_open(&config, &problem, &node->recorder) != SL_OK ||
        recorder_start(node->recorder) != SL_OK) {
        fprintf(stderr, "bench: %s%s\n", note_problem.text, problem.text);
        exit(2);
    }
}

void bench_node_stop(struct bench_node *node)
{
    recorder_stop(node->recorder);
}

void bench_node_free(struct bench_node *node)
{
    recorder_free(node->recorder);
    node->recorder = NULL;
}

void bench_draft(struct record *record, struct mailbox *reply_to, size_t who)
{
    static const struct leaf_class classes[] = {
        {SLICE_LITERAL("location"), {.kept = true, .coarseness = {{5000, 900}}}},
        {SLICE_LITERAL("location.speed"), {.kept = true}},
    };
    const struct leaf_flow flow = {
        .kind = LEAF_PULL,
        .time_ms = clock_now_ms(),
        .partner = SLICE_LITERAL("spotify"),
        .app = SLICE_LITERAL("waze"),
        .route = SLICE_LITERAL("waze-position"),
        .purpose = SLICE_LITERAL("recommendation"),
        .benefit = SLICE_LITERAL("Better playlists"),
        .released = true,
        .reason = SLICE_LITERAL("consented"),
        .n_classes = SL_LENGTH(classes),
        .classes = classes,
    };
    record->reply_to = reply_to;
    record->kind = RECORD_RELEASE;
    record->subject_known = true;
    record->policy_version = 1;
    subject_id(who % SUBJECTS, record->subject);
    if (leaf_draft_flow(&flow, &record->leaf) != SL_OK)
        abort();
}
