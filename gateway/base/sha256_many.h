/*
 * sha256_many.h - SHA-256 of many short messages at once, for who rebuilds a tree
 *
 * Shape   hashes[i] = SHA-256(prefix || messages[i]): the two shapes of a Merkle tree, a leaf after
 *         0x00 and two children after 0x01
 * Owns    nothing; allocates nothing
 * Speed   where the processor has SHA instructions, about twice what one message after the other
 *         takes: docs/decisions/008-four-hashes-at-once.md
 * Spec    FIPS 180-4
 */
#ifndef SLUIS_BASE_SHA256_MANY_H
#define SLUIS_BASE_SHA256_MANY_H

#include "base/sha256.h"

/* `hashes` must not overlap the messages. */
void sha256_of_many(uint8_t prefix, const struct slice *messages, size_t n_messages,
                    uint8_t (*hashes)[SHA256_BYTES]);

#endif
