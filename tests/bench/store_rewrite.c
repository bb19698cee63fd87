/*
 * store_rewrite.c - how long it takes to write a store anew, and how long writers wait meanwhile
 *
 *     store_rewrite FOLDER SUBJECTS [VERSIONS [YAML_BYTES]]
 *
 * Makes a store in FOLDER, which must not exist, with so many subjects and versions of a policy;
 * erases one, rewrites the store, and puts policies all the while. Last line:
 * `rewrite_s= gb= s_per_gb= put_max_ms=`.
 */
#include "base/private_file.h"
#include "base/timestamp.h"
#include "store/env.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOB_BYTES = 700 };

struct bench {
    struct store *store;
    struct slice yaml, blob;
    uint8_t (*ids)[STORE_SUBJECT_ID_BYTES];
    unsigned long n_subjects;
    atomic_bool done;
    int64_t put_max_ms;
};

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "store_rewrite: %s failed\n", what);
    exit(1);
}

static void put(struct bench *bench, unsigned long s, uint64_t version)
{
    char name[32];
    snprintf(name, sizeof name, "subject-%lu", s);
    struct store_change change = {.name = slice_of_str(name),
                                  .expected_version = version,
                                  .time_ms = 1,
                                  .yaml = bench->yaml,
                                  .blob = bench->blob};
    memcpy(change.id, bench->ids[s], sizeof change.id);
    uint64_t number = 0;
    check(store_put_policy(bench->store, &change, &number) == SL_OK, "putting a policy");
    check(store_pending_done(bench->store, number, false) == SL_OK, "forgetting a note");
}

static void fill(struct bench *bench, unsigned long n_versions)
{
    /* Nobody relies on this store. */
    check(mdb_env_set_flags(bench->store->now->env, MDB_NOSYNC, 1) == 0, "MDB_NOSYNC");
    for (unsigned long s = 0; s < bench->n_subjects; s++) {
        store_new_id(bench->ids[s]);
        for (unsigned long v = 0; v < n_versions; v++)
            put(bench, s, v);
    }
    check(mdb_env_sync(bench->store->now->env, 1) == 0, "syncing");
    check(mdb_env_set_flags(bench->store->now->env, MDB_NOSYNC, 0) == 0, "MDB_NOSYNC");
}

static void *put_on(void *context)
{
    struct bench *bench = context;
    uint64_t version = 0;
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    check(store_reader_new(bench->store, &reader) == SL_OK, "a reader");
    check(store_read(reader, bench->ids[1], &subject) == SL_OK, "reading");
    version = subject.version;
    store_read_end(reader);
    while (!atomic_load(&bench->done)) {
        int64_t start_ms = clock_monotonic_ms();
        put(bench, 1, version++);
        int64_t took_ms = clock_monotonic_ms() - start_ms;
        bench->put_max_ms = took_ms > bench->put_max_ms ? took_ms : bench->put_max_ms;
        usleep(10000);
    }
    return NULL;
}

static void erase_first(struct bench *bench, uint64_t version)
{
    uint64_t number = 0;
    struct store_erasure erasure = {.expected_version = version, .pending = slice_of_str("end")};
    memcpy(erasure.id, bench->ids[0], sizeof erasure.id);
    check(store_erase(bench->store, &erasure, &number) == SL_OK, "erasing");
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "store_rewrite FOLDER SUBJECTS [VERSIONS [YAML_BYTES]]\n"), 2;
    unsigned long n_versions = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    size_t yaml_bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : 1500;
    struct bench bench = {.n_subjects = strtoul(argv[2], NULL, 10)};
    uint8_t *text = calloc(1, yaml_bytes + BLOB_BYTES);
    bench.ids = calloc(bench.n_subjects, sizeof *bench.ids);
    check(text && bench.ids && bench.n_subjects > 1, "allocating");
    bench.yaml = slice_of(text, yaml_bytes);
    bench.blob = slice_of(text, BLOB_BYTES);

    char folder[4096], key_file[4096];
    struct private_file_problem key_problem;
    struct store_problem problem;
    snprintf(folder, sizeof folder, "%s/store", argv[1]);
    snprintf(key_file, sizeof key_file, "%s/kek.key", argv[1]);
    check(mkdir(argv[1], 0700) == 0 && mkdir(folder, 0700) == 0, "making the folder");
    check(private_file_create(key_file, slice_of("0123456789abcdef0123456789abcdef", 32),
                              &key_problem) == SL_OK,
          "making the key");
    check(store_open(folder, key_file, false, &problem, &bench.store) == SL_OK, problem.text);
    fill(&bench, n_versions);
    erase_first(&bench, n_versions);

    pthread_t putter;
    struct store_rewriting run = {0};
    check(pthread_create(&putter, NULL, put_on, &bench) == 0, "a thread");
    int64_t start_ms = clock_monotonic_ms();
    enum sl_err err = store_rewrite(bench.store, &run, &problem);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    atomic_store(&bench.done, true);
    pthread_join(putter, NULL);
    check(err == SL_OK, problem.text);
    double gb = (double)run.n_all_bytes / 1e9, s = (double)took_ms / 1e3;
    printf("rewrite_s=%.2f gb=%.3f s_per_gb=%.1f put_max_ms=%lld\n", s, gb, s / gb,
           (long long)bench.put_max_ms);
    store_free(bench.store);
    free(bench.ids);
    free(text);
    return 0;
}
