/*
 * forge.c - batches written by hand
 */
#include "forge.h"

#include "ledger/segment.h"
#include "ledger/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void forge_begin(struct forge *forge, const struct fixture *fixture)
{
    SL_AUTO(note_verifier) verifier = NULL;
    struct slice vkey = slice_of(fixture->vkey, strcspn(fixture->vkey, "\n"));
    assert_int_equal(note_verifier_new(vkey, &verifier), SL_OK);
    static struct walk walk;
    struct batch batch;
    enum walk_step step;
    assert_int_equal(walk_open(&walk, fixture->folder, verifier, NULL), SL_OK);
    while ((step = walk_next(&walk, &batch)) == WALK_BATCH)
        continue;
    assert_int_equal(step, WALK_END);
    fixture_segment_path(fixture, walk.segment_first, forge->path);
    forge->origin = fixture->config.origin;
    forge->offset = walk.offset;
    forge->alignment = walk.alignment;
    forge->newest_time_ms = walk.newest_time_ms;
    forge->tree = walk.tree;
    walk_close(&walk);
}

void forge_batch(struct forge *forge, const struct slice *leaves, uint32_t n_leaves,
                 struct note_signer *signer)
{
    uint8_t *block = aligned_alloc(SEGMENT_ALIGNMENT_MAX, BATCH_PADDED_BYTES_MAX);
    static struct batch_builder builder;
    uint8_t text[CHECKPOINT_TEXT_BYTES_MAX], note[CHECKPOINT_BYTES_MAX], hash[SHA256_BYTES];
    assert_non_null(block);
    batch_begin(&builder, block, forge->tree.size);
    for (uint32_t i = 0; i < n_leaves; i++) {
        batch_add(&builder, leaves[i]);
        tree_leaf_hash(leaves[i], hash);
        tree_append(&forge->tree, hash);
    }
    struct checkpoint checkpoint = {.origin = forge->origin, .size = forge->tree.size};
    struct writer text_writer = writer_over(text, sizeof text);
    struct writer note_writer = writer_over(note, sizeof note);
    tree_root(&forge->tree, checkpoint.root);
    write_checkpoint(&text_writer, &checkpoint);
    assert_int_equal(note_sign(signer, writer_slice(&text_writer), &note_writer), SL_OK);
    size_t n =
        batch_finish(&builder, forge->newest_time_ms, writer_slice(&note_writer), forge->alignment);
    fixture_poke(forge->path, forge->offset, block, n);
    forge->offset += n;
    free(block);
}

void forge_undo(struct forge *forge, const struct forge *before)
{
    size_t n = (size_t)(forge->offset - before->offset);
    uint8_t *zeros = calloc(1, n);
    assert_non_null(zeros);
    fixture_poke(forge->path, before->offset, zeros, n);
    free(zeros);
    *forge = *before;
}
