/*
 * fuzz_proof.c - proof files, and proofs against the trees they claim to be of
 *
 * The first byte says which.
 *   'f'  a file: what is read is written again, byte by byte
 *   'g'  the same for the body that a witness is sent
 *   'v'  two sizes, an index and hashes: a made-up tree of each size has one proof that holds; the
 *        given hashes hold only if they are that one
 */
#include "base/reader.h"
#include "ledger/proof.h"
#include "ledger/tlog_proof.h"
#include "ledger/tree.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t block[TLOG_PROOF_BYTES_MAX];

static void try_file(struct slice text)
{
    struct tlog_proof proof;
    struct writer writer = writer_over(block, sizeof block);
    if (tlog_proof_parse(text, &proof) != SL_OK)
        return;
    SL_ASSERT(tlog_proof_write(&proof, &writer) == SL_OK);
    SL_ASSERT(slice_equals(writer_slice(&writer), text));
}

static void try_growth(struct slice text)
{
    struct tlog_growth growth;
    struct writer writer = writer_over(block, sizeof block);
    if (tlog_growth_parse(text, &growth) != SL_OK)
        return;
    SL_ASSERT(tlog_growth_write(&growth, &writer) == SL_OK);
    SL_ASSERT(slice_equals(writer_slice(&writer), text));
}

/* Complete subtrees whose hash is the hash of equal children: every leaf is zeros. */
static enum sl_err zero_subtree(void *context, unsigned level, uint64_t index, uint8_t hash[32])
{
    (void)context;
    (void)index;
    memset(hash, 0, SHA256_BYTES);
    while (level-- > 0)
        tree_node_hash(hash, hash, hash);
    return SL_OK;
}

/* The root comes out of any inclusion proof. */
static void zero_root(uint64_t tree_size, uint8_t root[SHA256_BYTES])
{
    struct tree tree = {.size = tree_size};
    for (unsigned level = 0; level < TREE_LEVELS; level++)
        SL_ASSERT(zero_subtree(NULL, level, 0, tree.subtree[level]) == SL_OK);
    tree_root(&tree, root);
}

static bool is_same(const struct proof *a, const struct proof *b)
{
    return a->n_hashes == b->n_hashes &&
           memcmp(a->hashes, b->hashes, a->n_hashes * SHA256_BYTES) == 0;
}

static void try_verify(struct slice bytes)
{
    static const uint8_t leaf[SHA256_BYTES];
    const struct proof_source source = {zero_subtree, NULL};
    struct reader reader = reader_over(bytes);
    uint64_t old_size = read_u64(&reader), new_size = read_u64(&reader), index = read_u64(&reader);
    struct proof given = {0}, made;
    while (given.n_hashes < PROOF_CONSISTENCY_HASHES_MAX && reader_left(&reader) >= SHA256_BYTES)
        memcpy(given.hashes[given.n_hashes++], read_bytes(&reader, SHA256_BYTES).p, SHA256_BYTES);
    uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
    zero_root(old_size, old_root);
    zero_root(new_size, new_root);
    const struct proof_head old_head = {old_size, old_root}, new_head = {new_size, new_root};

    bool holds = proof_inclusion_verify(&given, index, leaf, new_head) == PROOF_HOLDS;
    SL_ASSERT(index < new_size || !holds);
    if (index < new_size) {
        SL_ASSERT(proof_inclusion_make(source, index, new_size, &made) == SL_OK);
        SL_ASSERT(proof_inclusion_verify(&made, index, leaf, new_head) == PROOF_HOLDS);
        SL_ASSERT(holds == is_same(&given, &made));
    }
    holds = proof_consistency_verify(&given, old_head, new_head) == PROOF_HOLDS;
    bool possible = old_size > 0 && old_size <= new_size;
    SL_ASSERT(possible || !holds);
    if (possible) {
        SL_ASSERT(proof_consistency_make(source, old_size, new_size, &made) == SL_OK);
        SL_ASSERT(proof_consistency_verify(&made, old_head, new_head) == PROOF_HOLDS);
        SL_ASSERT(holds == is_same(&given, &made));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    if (data[0] == 'f')
        try_file(rest);
    else if (data[0] == 'g')
        try_growth(rest);
    else if (data[0] == 'v')
        try_verify(rest);
    return 0;
}
