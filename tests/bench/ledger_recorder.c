/*
 * ledger_recorder.c - how many receipts a second one recorder makes durable
 *
 *     ledger_recorder [FOLDER [SECONDS [THREADS [IN_FLIGHT]]]]
 *
 * Each thread keeps IN_FLIGHT receipts of one of 1,000 subjects under way: it submits again what
 * comes back. Prints receipts a second, the mean batch, and the recorder thread's CPU time for
 * each receipt. The figures depend on the disk below FOLDER; tmpfs shows what the CPU alone could.
 */
#include "base/timestamp.h"
#include "ledger/note.h"
#include "ledger/recorder.h"

#include <sluis/verify.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUBJECTS = 1000, THREADS_MAX = 16, IN_FLIGHT_MAX = 4096 };

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

struct submitter {
    struct recorder *recorder;
    pthread_t thread;
    size_t in_flight, first_subject;
    int64_t end_ms;
    uint64_t n_durable, n_other;
    double cpu_s;
};

static void draft(struct record *record, struct mailbox *reply_to, size_t who)
{
    static const struct leaf_class classes[] = {
        {SLICE_LITERAL("location"), true, 5000, 900},
        {SLICE_LITERAL("location.speed"), true, 0, 0},
        {SLICE_LITERAL("location.heading"), false, 0, 0},
    };
    const struct leaf_flow flow = {
        .kind = LEAF_PULL,
        .time_ms = clock_now_ms(),
        .partner = SLICE_LITERAL("spotify"),
        .app = SLICE_LITERAL("waze"),
        .route = SLICE_LITERAL("waze-position"),
        .purpose = SLICE_LITERAL("recommendation"),
        .benefit = SLICE_LITERAL("Playlists that fit the drive"),
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

static double thread_cpu_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *submit(void *context)
{
    struct submitter *s = context;
    struct record *records = calloc(s->in_flight, sizeof *records);
    struct mailbox box;
    if (!records || mailbox_init(&box) != SL_OK)
        abort();
    size_t n_under_way = s->in_flight, who = s->first_subject;
    for (size_t i = 0; i < s->in_flight; i++) {
        draft(&records[i], &box, who++);
        if (!recorder_submit(s->recorder, &records[i]))
            abort();
    }
    recorder_kick(s->recorder);
    while (n_under_way > 0) {
        mailbox_wait(&box);
        bool over = clock_monotonic_ms() >= s->end_ms;
        for (struct mail *mail = mailbox_take(&box), *next; mail; mail = next) {
            struct record *record = (struct record *)(void *)mail;
            next = mail->next;
            s->n_durable += record->outcome == RECORD_DURABLE;
            s->n_other += record->outcome != RECORD_DURABLE;
            n_under_way--;
            if (over)
                continue;
            draft(record, &box, who++);
            if (!recorder_submit(s->recorder, record))
                abort();
            n_under_way++;
        }
        recorder_kick(s->recorder);
    }
    mailbox_deinit(&box);
    free(records);
    s->cpu_s = thread_cpu_s();
    return NULL;
}

static double process_cpu_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run(struct recorder *recorder, size_t n_threads, size_t in_flight, int64_t seconds)
{
    struct submitter submitters[THREADS_MAX];
    int64_t begin_ms = clock_monotonic_ms();
    double begin_cpu_s = process_cpu_s(), own_s = 0;
    uint64_t n = 0, n_other = 0;
    for (size_t i = 0; i < n_threads; i++) {
        submitters[i] = (struct submitter){.recorder = recorder,
                                           .in_flight = in_flight,
                                           .first_subject = i * SUBJECTS / n_threads,
                                           .end_ms = begin_ms + seconds * 1000};
        if (pthread_create(&submitters[i].thread, NULL, submit, &submitters[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(submitters[i].thread, NULL);
        n += submitters[i].n_durable;
        n_other += submitters[i].n_other;
        own_s += submitters[i].cpu_s;
    }
    double wall_s = (double)(clock_monotonic_ms() - begin_ms) / 1000;
    double recorder_s = process_cpu_s() - begin_cpu_s - own_s;
    printf("%zu threads x %zu in flight: %.0f receipts/s; recorder %.2f us CPU/receipt, "
           "submitter %.2f; %llu not durable\n",
           n_threads, in_flight, (double)n / wall_s, recorder_s * 1e6 / (double)n,
           own_s * 1e6 / (double)n, (unsigned long long)n_other);
}

static void report(const char *folder, const char *vkey)
{
    const struct sluis_verify_options options = {.vkey = vkey};
    struct sluis_verify_report found;
    int64_t begin_ms = clock_monotonic_ms();
    enum sluis_verify_result result = sluis_verify_folder(folder, &options, &found);
    double wall_s = (double)(clock_monotonic_ms() - begin_ms) / 1000;
    printf("mean batch %.1f receipts, %llu segments; verified in %.2f s, %.0f receipts/s: %s\n",
           (double)found.n_receipts / (double)found.n_batches, (unsigned long long)found.n_segments,
           wall_s, (double)found.n_receipts / wall_s,
           result == SLUIS_VERIFY_VALID ? "valid" : found.problem);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat;
    (void)kind;
    (void)place;
    return remove(path);
}

int main(int argc, char **argv)
{
    char root[256], folder[300], index_folder[300], key_file[300], vkey_file[300];
    snprintf(root, sizeof root, "%s/sluis-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
    long n_threads = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    long in_flight = argc > 4 ? strtol(argv[4], NULL, 10) : 64;
    if (!mkdtemp(root) || n_threads < 1 || n_threads > THREADS_MAX || in_flight < 1 ||
        in_flight > IN_FLIGHT_MAX)
        return 2;
    snprintf(folder, sizeof folder, "%s/ledger", root);
    snprintf(index_folder, sizeof index_folder, "%s/index", root);
    snprintf(key_file, sizeof key_file, "%s/key.pem", root);
    snprintf(vkey_file, sizeof vkey_file, "%s/key.vkey", root);

    struct note_problem note_problem;
    struct recorder_problem problem;
    SL_AUTO(recorder) recorder = NULL;
    struct limits limits = limits_default();
    limits.queue_receipts = 65536;
    const struct recorder_config config = {
        .folder = folder,
        .index_folder = index_folder,
        .origin = SLICE_LITERAL("bench.example"),
        .key_file = key_file,
        .limits = &limits,
        .ops = {load_subject, commit_change, each_subject, NULL},
    };
    if (note_key_generate(key_file, vkey_file, config.origin, &note_problem) != SL_OK ||
        recorder_open(&config, &problem, &recorder) != SL_OK || recorder_start(recorder) != SL_OK)
        return 2;
    run(recorder, (size_t)n_threads, (size_t)in_flight, seconds);
    recorder_stop(recorder);
    report(folder, recorder_vkey(recorder));
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
