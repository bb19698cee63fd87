/*
 * value.c - the values of a configuration: texts, ids, numbers, files
 *
 * YAML's own types play no part: each value is a text with a grammar of its own, checked here,
 * and each message says what was found, what was expected, and where.
 */
#include "base/private_file.h"
#include "base/utf8.h"
#include "config/build.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE_PATH_BYTES = 1024, VALUE_KEY_FILE_BYTES = 65536, VALUE_NAMES_BYTES = 512 };

struct slice build_copy(struct build *build, struct slice text)
{
    struct slice copy = pool_copy(build->pool, text);
    build->no_memory = build->no_memory || !copy.p;
    return copy;
}

void *build_array(struct build *build, size_t n, size_t item_bytes)
{
    void *array = pool_array(build->pool, n, item_bytes);
    build->no_memory = build->no_memory || !array;
    return array;
}

const struct yaml_node *build_need(struct build *build, const struct yaml_node *mapping,
                                   const char *what, const char *key)
{
    const struct yaml_node *node = yaml_get(mapping, key);
    if (!node)
        yaml_error_at(build->problems, mapping->line, mapping->column, "%s has no `%s`", what, key);
    return node;
}

static const char *kind_of(const struct yaml_node *node)
{
    if (node->kind == YAML_SEQUENCE)
        return "a list";
    return node->kind == YAML_MAPPING ? "a mapping" : "nothing";
}

bool build_is_text(struct build *build, const struct yaml_node *node, const char *expected)
{
    if (node->kind == YAML_SCALAR && node->text.n > 0)
        return true;
    yaml_error_at(build->problems, node->line, node->column, "%s; expected %s", kind_of(node),
                  expected);
    return false;
}

bool build_is_list(struct build *build, const struct yaml_node *node, size_t max,
                   const char *example)
{
    if (node->kind != YAML_SEQUENCE || node->n_children == 0) {
        yaml_error_at(build->problems, node->line, node->column,
                      "`%.*s` is %s; expected a list such as %s", SLICE_PRINTF(node->key),
                      node->kind == YAML_SEQUENCE ? "an empty list" : "no list", example);
        return false;
    }
    if (node->n_children > max) {
        yaml_error_at(build->problems, node->line, node->column,
                      "`%.*s` has %u items; at most %zu are allowed", SLICE_PRINTF(node->key),
                      node->n_children, max);
        return false;
    }
    return true;
}

bool build_text(struct build *build, const struct yaml_node *node, size_t bytes_max,
                struct slice *out)
{
    if (!build_is_text(build, node, "a line of text"))
        return false;
    if (node->text.n > bytes_max || !utf8_is_printable(node->text)) {
        yaml_error_at(build->problems, node->line, node->column,
                      "a text of %zu bytes%s; expected a line of at most %zu bytes", node->text.n,
                      utf8_is_printable(node->text) ? "" : " with control characters", bytes_max);
        return false;
    }
    *out = build_copy(build, node->text);
    return true;
}

bool build_id(struct build *build, const struct yaml_node *node, struct slice *out)
{
    static const char expected[] = "a name of 1 to 32 characters of a-z, 0-9 and -";
    _Static_assert(LIMIT_MAX_config_id_bytes == 32, "the text above says so");
    if (!build_is_text(build, node, expected))
        return false;
    bool fits = node->text.n <= LIMIT_MAX_config_id_bytes;
    for (size_t i = 0; i < node->text.n && fits; i++) {
        uint8_t c = node->text.p[i];
        fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    if (!fits) {
        yaml_error_at(build->problems, node->line, node->column, "id \"%.*s\"; expected %s",
                      SLICE_PRINTF(node->text), expected);
        return false;
    }
    *out = build_copy(build, node->text);
    return true;
}

bool build_number(struct build *build, const struct yaml_node *node, uint64_t min, uint64_t max,
                  uint64_t *out)
{
    if (!build_is_text(build, node, "a number"))
        return false;
    uint64_t value;
    if (!slice_to_u64(node->text, UINT64_MAX, &value) || value < min || value > max) {
        yaml_error_at(build->problems, node->line, node->column,
                      "%.*s for `%.*s`; expected a number from %ju to %ju",
                      SLICE_PRINTF(node->text), SLICE_PRINTF(node->key), (uintmax_t)min,
                      (uintmax_t)max);
        return false;
    }
    *out = value;
    return true;
}

static bool read_duration_s(struct slice text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    size_t n = 0;
    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    struct slice unit = slice_of(text.p + n, text.n - n);
    uint64_t number;
    if (!slice_to_u64(slice_of(text.p, n), UINT32_MAX, &number))
        return false;
    for (size_t i = 0; i < SL_LENGTH(units); i++) {
        if (slice_equals_str(unit, units[i].name)) {
            *out = number * units[i].seconds;
            return true;
        }
    }
    return false;
}

bool build_duration_s(struct build *build, const struct yaml_node *node, uint64_t min, uint64_t max,
                      uint64_t *out)
{
    uint64_t value;
    if (!build_is_text(build, node, "a duration such as 30s, 15min, 2h or 1d"))
        return false;
    if (!read_duration_s(node->text, &value) || value < min || value > max) {
        yaml_error_at(build->problems, node->line, node->column,
                      "%.*s for `%.*s`; expected a duration of %ju to %ju seconds, such as 30s, "
                      "15min, 2h or 1d",
                      SLICE_PRINTF(node->text), SLICE_PRINTF(node->key), (uintmax_t)min,
                      (uintmax_t)max);
        return false;
    }
    *out = value;
    return true;
}

bool build_path(struct build *build, const struct yaml_node *node, const char **out)
{
    struct slice text;
    if (!build_text(build, node, VALUE_PATH_BYTES, &text))
        return false;
    bool absolute = text.n > 0 && text.p[0] == '/';
    struct slice folder = slice_of_str(absolute ? "" : build->folder);
    uint8_t *joined = build_array(build, folder.n + text.n + 2, 1);
    if (!joined)
        return false;
    struct writer writer = writer_over(joined, folder.n + text.n + 1);
    write_bytes(&writer, folder);
    if (folder.n > 0)
        write_u8(&writer, '/');
    write_bytes(&writer, text);
    SL_ASSERT(!writer.overflow);
    *out = (const char *)joined;
    return true;
}

/* NULL, or why the file can't serve; the text lives in `problem`. */
static const char *private_fault(const char *path, struct private_file_problem *problem)
{
    uint8_t block[VALUE_KEY_FILE_BYTES];
    size_t n;
    enum sl_err err = private_file_read(path, block, sizeof block, &n, problem);
    OPENSSL_cleanse(block, sizeof block);
    return err == SL_OK ? NULL : problem->text;
}

static const char *public_fault(const char *path, struct private_file_problem *problem)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        snprintf(problem->text, sizeof problem->text, "%s can't be opened: %s", path,
                 strerror(errno));
    else if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || stat.st_size == 0)
        snprintf(problem->text, sizeof problem->text, "%s is empty, or not a regular file", path);
    else
        problem->text[0] = 0;
    if (fd >= 0)
        close(fd);
    return problem->text[0] ? problem->text : NULL;
}

bool build_readable_file(struct build *build, const struct yaml_node *node, bool private,
                         const char **out)
{
    const char *path;
    if (!build_path(build, node, &path))
        return false;
    struct private_file_problem problem;
    const char *fault = NULL;
    if (!build->offline)
        fault = private ? private_fault(path, &problem) : public_fault(path, &problem);
    if (fault) {
        yaml_error_at(build->problems, node->line, node->column, "%s", fault);
        return false;
    }
    *out = path;
    return true;
}

void build_error_inside(struct build *build, const struct yaml_node *node, size_t offset,
                        const char *format, ...)
{
    char text[VALUE_NAMES_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* Columns count characters, offsets bytes: continuation bytes begin no character. */
    uint32_t n_chars = node->quoted ? 1 : 0;
    for (size_t i = 0; i < offset && i < node->text.n; i++)
        n_chars += (node->text.p[i] & 0xc0) != 0x80;
    yaml_error_at(build->problems, node->line, node->column + n_chars, "%s", text);
}

void build_unknown(struct build *build, uint32_t line, uint32_t column, const char *what,
                   struct slice word, const char *const *known, size_t n_known)
{
    const char *nearest = yaml_nearest(word, known, n_known);
    if (nearest) {
        yaml_error_at(build->problems, line, column, "unknown %s \"%.*s\"; did you mean \"%s\"?",
                      what, SLICE_PRINTF(word), nearest);
        return;
    }
    char names[VALUE_NAMES_BYTES] = "";
    for (size_t i = 0, n = 0; i < n_known && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", known[i]);
    yaml_error_at(build->problems, line, column, "unknown %s \"%.*s\"; expected one of: %s", what,
                  SLICE_PRINTF(word), n_known > 0 ? names : "(there are none)");
}

void build_check_ids(struct build *build, const struct yaml_node *list, const char *what)
{
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        const struct yaml_node *id = yaml_get(item, "id");
        for (const struct yaml_node *earlier = list->first; id && earlier != item;
             earlier = earlier->next) {
            const struct yaml_node *other = yaml_get(earlier, "id");
            if (!other || id->kind != YAML_SCALAR || !slice_equals(other->text, id->text))
                continue;
            yaml_error_at(build->problems, id->line, id->column,
                          "%s \"%.*s\" stands on line %u already; ids are unique", what,
                          SLICE_PRINTF(id->text), other->line);
            break;
        }
    }
}
