/*
 * log.h - one line per event on standard error, safe to show in a terminal
 *
 * Shape   2026-11-23T01:24:54.123Z warn  text; control bytes and bytes that are not UTF-8 are
 *         written as \xNN, so no input can forge a line or move a cursor
 * Rule    only daemon/, edge/, submit/ and tools/ log; library code returns errors. No secret and no
 *         personal data in a line.
 */
#ifndef SLUIS_BASE_LOG_H
#define SLUIS_BASE_LOG_H

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
void log_at(enum log_level level, const char *format, ...) SL_PRINTF(2, 3);

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

/*
 * Copies `text` into `out` as a C string in which every byte a terminal could act on is written
 * as \xNN (controls, bytes that are not UTF-8, and the bidirectional controls of Unicode). Cut
 * off with "..." when it does not fit.
 */
void text_make_printable(struct slice text, char *out, size_t cap);

#endif
