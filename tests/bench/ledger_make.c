/*
 * ledger_make.c - a ledger of exactly so many receipts, by the recorder that gateways use
 *
 *     ledger_make FOLDER N_RECEIPTS IN_FLIGHT
 *
 * Keeps IN_FLIGHT receipts under way, which sets how many come together in a batch: 1 gives
 * batches of one, 64 the natural ones of a busy gateway, 4096 full ones. Leaves FOLDER/ledger,
 * FOLDER/index and FOLDER/ledger.vkey, and prints "receipts= leaf_bytes= seconds=".
 */
#include "node.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { IN_FLIGHT_MAX = 16384 };

struct making {
    struct bench_node node;
    struct mailbox box;
    uint64_t n_wanted, n_submitted, n_durable, leaf_bytes;
};

static void submit(struct making *making, struct record *record)
{
    bench_draft(record, &making->box, making->n_submitted++);
    if (!recorder_submit(making->node.recorder, record))
        abort();
}

static void take_back(struct making *making, struct record *record)
{
    if (record->outcome != RECORD_DURABLE) {
        fprintf(stderr, "ledger_make: a receipt could not be recorded: %s\n",
                recorder_failure(making->node.recorder));
        exit(1);
    }
    making->n_durable++;
    making->leaf_bytes += record->leaf.n;
}

static void make(struct making *making, size_t n_in_flight)
{
    struct record *records = calloc(n_in_flight, sizeof *records);
    if (!records || mailbox_init(&making->box) != SL_OK)
        abort();
    for (size_t i = 0; i < n_in_flight && making->n_submitted < making->n_wanted; i++)
        submit(making, &records[i]);
    recorder_kick(making->node.recorder);
    while (making->n_durable < making->n_submitted) {
        mailbox_wait(&making->box);
        for (struct mail *mail = mailbox_take(&making->box), *next; mail; mail = next) {
            next = mail->next;
            take_back(making, (struct record *)(void *)mail);
            if (making->n_submitted < making->n_wanted)
                submit(making, (struct record *)(void *)mail);
        }
        recorder_kick(making->node.recorder);
    }
    mailbox_deinit(&making->box);
    free(records);
}

int main(int argc, char **argv)
{
    static struct making making;
    unsigned long in_flight = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    making.n_wanted = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    if (in_flight < 1 || in_flight > IN_FLIGHT_MAX || making.n_wanted < 1) {
        fprintf(stderr, "usage: ledger_make FOLDER N_RECEIPTS IN_FLIGHT (1 to %d)\n",
                IN_FLIGHT_MAX);
        return 2;
    }
    (void)mkdir(argv[1], 0700);
    int64_t begin_ms = clock_monotonic_ms();
    bench_node_open(&making.node, argv[1]);
    make(&making, in_flight);
    bench_node_stop(&making.node);
    printf("receipts=%llu leaf_bytes=%llu seconds=%.1f\n", (unsigned long long)making.n_durable,
           (unsigned long long)making.leaf_bytes, (double)(clock_monotonic_ms() - begin_ms) / 1000);
    bench_node_free(&making.node);
    return 0;
}
