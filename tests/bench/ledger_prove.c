/*
 * ledger_prove.c - how long it takes to prove any receipt of a ledger
 *
 *     ledger_prove FOLDER N_PROOFS
 *
 * FOLDER is what ledger_make left. Opens ledger and index as an outsider, then proves N_PROOFS
 * receipts drawn at random under the newest checkpoint: place, receipts of the tile, hashes, the
 * proof, checked, and written as text. Prints "receipts= open_ms= prove_ms= prove_max_ms=", the
 * mean and the longest of one proof.
 */
#include "ledger/folder_reader.h"
#include "ledger/tlog_proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static struct ledger_reader *open_reader(const char *folder)
{
    static struct vkey_list keys;
    static char text[VKEY_LIST_BYTES_MAX];
    char path[4096], index[4096];
    size_t line = 0;
    snprintf(path, sizeof path, "%s/ledger.vkey", folder);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, sizeof text, file) : 0;
    if (file)
        fclose(file);
    struct ledger_problem problem = {"ledger.vkey can't be read"};
    struct ledger_reader *reader = NULL;
    snprintf(path, sizeof path, "%s/ledger", folder);
    snprintf(index, sizeof index, "%s/index", folder);
    if (vkey_list_parse(slice_of(text, n), &keys, &line) != SL_OK ||
        folder_reader_open(path, index, &keys, &problem, &reader) != SL_OK) {
        fprintf(stderr, "ledger_prove: %s\n", problem.text);
        exit(2);
    }
    return reader;
}

static void prove(struct ledger_reader *reader, const struct ledger_head *head, uint64_t index)
{
    static uint8_t text[TLOG_PROOF_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    struct tlog_proof proof = {.index = index, .checkpoint = slice_of(head->note, head->note_n)};
    if (ledger_reader_inclusion(reader, head, index, head->tree.size, &proof.proof) != SL_OK ||
        tlog_proof_write(&proof, &writer) != SL_OK) {
        fprintf(stderr, "ledger_prove: %s\n", ledger_reader_problem(reader));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    long n_proofs = atol(argv[2]);
    static struct ledger_head head;
    double begin = now_ms(), longest = 0;
    struct ledger_reader *reader = open_reader(argv[1]);
    double opened = now_ms();
    ledger_reader_head(reader, &head);
    srandom(1);
    for (long i = 0; i < n_proofs; i++) {
        uint64_t index = ((uint64_t)random() << 31 | (uint64_t)random()) % head.tree.size;
        double before = now_ms();
        prove(reader, &head, index);
        double took = now_ms() - before;
        longest = took > longest ? took : longest;
    }
    printf("receipts=%llu open_ms=%.2f prove_ms=%.3f prove_max_ms=%.3f\n",
           (unsigned long long)head.tree.size, opened - begin,
           (now_ms() - opened) / (double)n_proofs, longest);
    ledger_reader_free(reader);
    return 0;
}
