/*
 * timezone.c - reads TZif files (RFC 9636)
 *
 * A file of version 2 or later holds its data twice: with 32-bit times for old readers, which is
 * skipped, and with 64-bit times, followed by a footer with a rule for all later years:
 *
 *     header | 32-bit data | header | 64-bit data | LF rule LF
 *
 * Only what a policy can need is kept: the offset in effect at the start of 2025, the changes of
 * the offset after it, and the rule. Changes of the abbreviation alone are left out.
 */
#include "policy/timezone.h"

#include "base/reader.h"
#include "yaml/yaml.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TZIF_BYTES_MAX = 65536,
    TZIF_TYPES_MAX = 256,
    FIRST_KEPT_S = 1735689600, /* 2025-01-01T00:00:00Z */
    RULE_HOURS_MAX = 167,
    OFFSET_HOURS_MAX = 25,
};

static const char *const default_folder = "/usr/share/zoneinfo";
static const char *folder = "/usr/share/zoneinfo";

void timezone_set_folder(const char *new_folder)
{
    folder = new_folder ? new_folder : default_folder;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool timezone_name_is_valid(struct slice name)
{
    if (name.n == 0 || name.n > TIMEZONE_NAME_BYTES)
        return false;
    /*
     * Each name of the tz database begins with a capital. What does not is a second copy (posix/,
     * right/, which counts leap seconds) or whatever this machine was set to (localtime,
     * posixrules); and Factory stands for "not set".
     */
    if (name.p[0] < 'A' || name.p[0] > 'Z' || slice_equals_str(name, "Factory"))
        return false;
    bool at_start = true;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool inner = is_digit(c) || c == '_' || c == '+' || c == '-';
        if (c == '/' ? at_start : !(is_letter(c) || (inner && !at_start)))
            return false;
        at_start = c == '/';
    }
    return !at_start;
}

/* The counts of a TZif header, in the order of the file. */
struct tzif_head {
    uint8_t version;
    uint32_t n_ut, n_standard, n_leaps, n_times, n_types, n_name_bytes;
};

static struct tzif_head read_head(struct reader *reader)
{
    struct tzif_head head = {0};
    struct slice magic = read_bytes(reader, 4);
    head.version = read_u8(reader);
    (void)read_bytes(reader, 15);
    head.n_ut = read_u32be(reader);
    head.n_standard = read_u32be(reader);
    head.n_leaps = read_u32be(reader);
    head.n_times = read_u32be(reader);
    head.n_types = read_u32be(reader);
    head.n_name_bytes = read_u32be(reader);
    reader->bad = reader->bad || !slice_equals_str(magic, "TZif");
    return head;
}

/* A decimal of one to three digits. */
static uint32_t read_number(struct reader *reader, uint32_t max)
{
    uint32_t value = 0;
    int n_digits = 0;
    while (reader_left(reader) > 0 && is_digit(*reader->at) && n_digits < 3) {
        value = value * 10 + (uint32_t)(read_u8(reader) - '0');
        n_digits++;
    }
    reader->bad = reader->bad || n_digits == 0 || value > max;
    return value;
}

static bool next_is(struct reader *reader, uint8_t c)
{
    if (reader->bad || reader_left(reader) == 0 || *reader->at != c)
        return false;
    (void)read_u8(reader);
    return true;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static int32_t read_hms(struct reader *reader, uint32_t hours_max)
{
    int32_t sign = next_is(reader, '-') ? -1 : 1;
    if (sign == 1)
        (void)next_is(reader, '+');
    uint32_t seconds = 3600 * read_number(reader, hours_max);
    if (next_is(reader, ':')) {
        seconds += 60 * read_number(reader, 59);
        if (next_is(reader, ':'))
            seconds += read_number(reader, 59);
    }
    return sign * (int32_t)seconds;
}

/* An abbreviation: letters, or anything between < and >. */
static void skip_abbreviation(struct reader *reader)
{
    if (next_is(reader, '<')) {
        (void)read_until(reader, '>');
        return;
    }
    size_t n = 0;
    for (; !reader->bad && reader_left(reader) > 0 && is_letter(*reader->at); n++)
        (void)read_u8(reader);
    reader->bad = reader->bad || n < 3;
}

/* ,date[/time] */
static struct zone_day read_rule_day(struct reader *reader)
{
    struct zone_day day = {.time_s = 2 * 3600};
    reader->bad = !next_is(reader, ',') || reader->bad;
    if (next_is(reader, 'M')) {
        day.kind = ZONE_DAY_OF_WEEK;
        day.month = (uint8_t)read_number(reader, 12);
        reader->bad = !next_is(reader, '.') || reader->bad;
        day.week = (uint8_t)read_number(reader, 5);
        reader->bad = !next_is(reader, '.') || reader->bad;
        day.weekday = (uint8_t)read_number(reader, 6);
        reader->bad = reader->bad || day.month == 0 || day.week == 0;
    } else if (next_is(reader, 'J')) {
        day.kind = ZONE_DAY_NOT_LEAP;
        day.day = (uint16_t)read_number(reader, 365);
        reader->bad = reader->bad || day.day == 0;
    } else {
        day.kind = ZONE_DAY_OF_YEAR;
        day.day = (uint16_t)read_number(reader, 365);
    }
    if (next_is(reader, '/'))
        day.time_s = read_hms(reader, RULE_HOURS_MAX);
    return day;
}

/*
 * The footer: std offset [dst [offset] ,start[/time],end[/time]]. POSIX counts offsets west of
 * Greenwich. `*has_rule` is false when there is no daylight saving, and when there is no footer.
 */
static void read_footer(struct reader *reader, struct zone_rule *rule, bool *has_rule)
{
    reader->bad = !next_is(reader, '\n') || reader->bad;
    *has_rule = false;
    if (next_is(reader, '\n'))
        return;
    skip_abbreviation(reader);
    rule->standard_s = -read_hms(reader, OFFSET_HOURS_MAX);
    if (next_is(reader, '\n'))
        return;
    skip_abbreviation(reader);
    rule->daylight_s = rule->standard_s + 3600;
    if (reader_left(reader) > 0 && *reader->at != ',')
        rule->daylight_s = -read_hms(reader, OFFSET_HOURS_MAX);
    rule->start = read_rule_day(reader);
    rule->end = read_rule_day(reader);
    reader->bad = !next_is(reader, '\n') || reader->bad;
    *has_rule = true;
}

/* Reads the 64-bit block; `zone->transitions` points into `kept`. */
static bool read_block(struct reader *reader, struct zone *zone,
                       struct zone_transition kept[ZONE_TRANSITIONS_MAX])
{
    struct tzif_head head = read_head(reader);
    if (reader->bad || head.n_leaps > 0 || head.n_types == 0 || head.n_types > TZIF_TYPES_MAX)
        return false; /* leap seconds: the "right" zones, whose clock is not UTC's */
    struct reader times = reader_over(read_bytes(reader, (size_t)head.n_times * 8));
    struct reader indices = reader_over(read_bytes(reader, head.n_times));
    struct slice types = read_bytes(reader, (size_t)head.n_types * 6);
    (void)read_bytes(reader, (size_t)head.n_name_bytes + head.n_standard + head.n_ut);
    if (reader->bad)
        return false;

    int32_t offsets[TZIF_TYPES_MAX] = {0};
    struct reader type_reader = reader_over(types);
    for (size_t i = 0; i < head.n_types; i++) {
        offsets[i] = (int32_t)read_u32be(&type_reader);
        (void)read_bytes(&type_reader, 2);
    }
    *zone = (struct zone){.first_offset_s = offsets[0], .transitions = kept};
    int32_t current_s = offsets[0];
    for (size_t i = 0; i < head.n_times; i++) {
        int64_t at_s = (int64_t)read_u64be(&times);
        uint8_t type = read_u8(&indices);
        if (type >= head.n_types)
            return false;
        if (at_s < FIRST_KEPT_S) {
            zone->first_offset_s = offsets[type];
        } else if (offsets[type] != current_s) {
            if (zone->n_transitions == ZONE_TRANSITIONS_MAX)
                return false;
            kept[zone->n_transitions++] = (struct zone_transition){at_s, offsets[type]};
        }
        current_s = offsets[type];
    }
    return true;
}

enum sl_err timezone_parse(struct slice tzif, struct writer *writer)
{
    struct reader reader = reader_over(tzif);
    struct tzif_head old = read_head(&reader);
    if (reader.bad || old.version < '2')
        return SL_EMALFORMED;
    (void)read_bytes(&reader, (size_t)old.n_times * 5 + (size_t)old.n_types * 6 + old.n_name_bytes +
                                  (size_t)old.n_leaps * 8 + old.n_standard + old.n_ut);
    struct zone zone;
    struct zone_transition kept[ZONE_TRANSITIONS_MAX];
    if (reader.bad || !read_block(&reader, &zone, kept))
        return SL_EMALFORMED;
    struct zone_rule rule = {0};
    bool has_rule;
    read_footer(&reader, &rule, &has_rule);
    if (reader.bad)
        return SL_EMALFORMED;
    zone.rule = has_rule ? &rule : NULL;

    uint8_t bytes[ZONE_BYTES_MAX];
    struct writer checked = writer_over(bytes, sizeof bytes);
    zone_write(&checked, &zone);
    if (checked.overflow || !zone_is_valid(writer_slice(&checked)))
        return SL_EMALFORMED;
    write_bytes(writer, writer_slice(&checked));
    return SL_OK;
}

/* The whole of a file in the zone folder; the caller frees `*bytes`. */
static enum sl_err read_whole(const char *name, size_t bytes_max, uint8_t **bytes, size_t *n)
{
    char path[512];
    int n_path = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n_path < 0 || (size_t)n_path >= sizeof path)
        return SL_EMALFORMED;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return SL_EMALFORMED;
    uint8_t *block = malloc(bytes_max);
    size_t used = 0;
    ssize_t got = block ? 1 : 0;
    while (block && used < bytes_max && (got = read(fd, block + used, bytes_max - used)) > 0)
        used += (size_t)got;
    close(fd);
    if (!block)
        return SL_EINTERNAL;
    if (got < 0 || used == bytes_max) { /* a folder, or no zone */
        free(block);
        return SL_EMALFORMED;
    }
    *bytes = block;
    *n = used;
    return SL_OK;
}

enum sl_err timezone_read(struct slice name, struct writer *writer)
{
    if (slice_equals_str(name, "UTC")) {
        write_bytes(writer, zone_utc());
        return SL_OK;
    }
    if (!timezone_name_is_valid(name))
        return SL_EMALFORMED;
    char text[TIMEZONE_NAME_BYTES + 1];
    memcpy(text, name.p, name.n);
    text[name.n] = 0;

    uint8_t *bytes;
    size_t n;
    SL_TRY(read_whole(text, TZIF_BYTES_MAX, &bytes, &n));
    enum sl_err err = timezone_parse(slice_of(bytes, n), writer);
    free(bytes);
    return err;
}

/* The third column of zone.tab; lines that begin with # are comments. */
bool timezone_nearest(struct slice name, char out[TIMEZONE_NAME_BYTES + 1])
{
    uint8_t *bytes;
    size_t n;
    if (read_whole("zone.tab", TZIF_BYTES_MAX, &bytes, &n) != SL_OK)
        return false;
    bool found = false;
    struct reader reader = reader_over(slice_of(bytes, n));
    while (reader_left(&reader) > 0 && !found) {
        struct reader line = reader_over(read_until(&reader, '\n'));
        (void)read_until(&line, '\t');
        (void)read_until(&line, '\t');
        size_t length = 0;
        while (length < reader_left(&line) && line.at[length] != '\t')
            length++;
        if (line.bad || !timezone_name_is_valid(slice_of(line.at, length)))
            continue;
        char candidate[TIMEZONE_NAME_BYTES + 1];
        memcpy(candidate, line.at, length);
        candidate[length] = 0;
        const char *const candidates[] = {candidate};
        if (yaml_nearest(name, candidates, 1)) {
            memcpy(out, candidate, length + 1);
            found = true;
        }
    }
    free(bytes);
    return found;
}

/* The first line of tzdata.zi: "# version 2025b". */
bool timezone_release(char out[TIMEZONE_RELEASE_BYTES + 1])
{
    static const char before[] = "# version ";
    char path[512], line[64] = "";
    if ((size_t)snprintf(path, sizeof path, "%s/tzdata.zi", folder) >= sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    bool is_read = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    size_t n = is_read && strncmp(line, before, sizeof before - 1) == 0
                   ? strcspn(line + sizeof before - 1, "\n")
                   : 0;
    if (n == 0 || n > TIMEZONE_RELEASE_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)line[sizeof before - 1 + i];
        if (!is_letter(c) && !is_digit(c) && c != '.' && c != '-')
            return false;
    }
    memcpy(out, line + sizeof before - 1, n);
    out[n] = 0;
    return true;
}
