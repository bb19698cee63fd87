/*
 * crc32c.h - CRC-32C (Castagnoli), to tell damage from a torn write and to say where it is
 *
 * Shape   crc32c_of("123456789") == 0xE3069283; extend with the value so far
 * Owns    nothing
 * Spec    RFC 3720 appendix B.4. No protection against intent: that is the signature's work.
 */
#ifndef SLUIS_LEDGER_CRC32C_H
#define SLUIS_LEDGER_CRC32C_H

#include "base/slice.h"

uint32_t crc32c_of(struct slice bytes);
/* The checksum of everything that gave `crc`, followed by `bytes`. */
uint32_t crc32c_extend(uint32_t crc, struct slice bytes);

#endif
