/*
 * ledger_recorder.c - how many receipts a second one recorder makes durable
 *
 *     ledger_recorder [FOLDER [SECONDS [THREADS [IN_FLIGHT]]]]
 *
 * Each thread keeps IN_FLIGHT receipts of one of 1,000 subjects under way: it submits again what
 * comes back. Prints receipts a second, the mean batch, and the recorder thread's CPU time for
 * each receipt. The figures depend on the disk below FOLDER; tmpfs shows what the CPU alone could.
 */
#include "node.h"

#include "base/timestamp.h"

#include <sluis/verify.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS_MAX = 16, IN_FLIGHT_MAX = 4096 };

struct submitter {
    struct recorder *recorder;
    pthread_t thread;
    size_t in_flight, first_subject;
    int64_t end_ms;
    uint64_t n_durable, n_other;
    double cpu_s;
};

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
        bench_draft(&records[i], &box, who++);
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
            bench_draft(record, &box, who++);
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
                                           .first_subject = i,
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
    static struct bench_node node;
    char root[256];
    snprintf(root, sizeof root, "%s/sluis-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
    long n_threads = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    long in_flight = argc > 4 ? strtol(argv[4], NULL, 10) : 64;
    if (!mkdtemp(root) || n_threads < 1 || n_threads > THREADS_MAX || in_flight < 1 ||
        in_flight > IN_FLIGHT_MAX)
        return 2;
    bench_node_open(&node, root);
    run(node.recorder, (size_t)n_threads, (size_t)in_flight, seconds);
    bench_node_stop(&node);
    char vkey[RECORDER_VKEY_BYTES_MAX];
    recorder_vkey(node.recorder, vkey);
    report(node.folder, vkey);
    bench_node_free(&node);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
