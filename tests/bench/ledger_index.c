/*
 * ledger_index.c - how long it takes to make the index of a ledger anew
 *
 *     ledger_index FOLDER [HELPERS]
 *
 * FOLDER is what ledger_make left. Does what `sluis ledger index` does, with so many threads beside
 * one. Prints "receipts= index_s= index_per_s= index_bytes=".
 */
#include "node.h"

#include "ledger/index_rebuild.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct bench_node node;
    struct recorder_config config;
    struct recorder_problem problem;
    struct index_rebuilt rebuilt;
    char path[4096];
    struct stat facts;
    if (argc < 2)
        return 2;
    bench_node_config(&node, argv[1], &config);
    config.n_helpers = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    double begin = now_s();
    if (index_rebuild(&config, &problem, &rebuilt) != SL_OK) {
        fprintf(stderr, "ledger_index: %s\n", problem.text);
        return 1;
    }
    double took = now_s() - begin;
    snprintf(path, sizeof path, "%s/data.mdb", node.index_folder);
    if (stat(path, &facts) != 0)
        return 1;
    printf("receipts=%llu index_s=%.2f index_per_s=%.0f index_bytes=%lld\n",
           (unsigned long long)rebuilt.n_receipts, took, (double)rebuilt.n_receipts / took,
           (long long)facts.st_size);
    return 0;
}
