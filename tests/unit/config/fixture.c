/*
 * fixture.c - one right configuration that each test spoils in its own way
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char right[] =
    "sluis: 1\n"
    "node:\n"
    "  origin: demo.sluis.example/1\n"
    "state: state\n"
    "listen:\n"
    "  partners: 127.0.0.1:8460\n"
    "apps:\n"
    "  - id: waze\n"
    "    label: Waze\n"
    "    url: http://127.0.0.1:9101\n"
    "  - id: music\n"
    "    url: https://music.example:8443\n"
    "partners:\n"
    "  - id: spotify\n"
    "    label: Spotify\n"
    "    tokens:\n"
    "      - sha256:00000000000000000000000000000000000000000000000000000000000000aa\n"
    "    contract:\n"
    "      purposes: [recommendation]\n"
    "      benefits: [Playlists that fit the drive]\n"
    "routes:\n"
    "  - id: waze-position\n"
    "    app: waze\n"
    "    request: GET /v1/drivers/{subject}/position\n"
    "    forward: GET /drivers/{subject}\n"
    "    query: [limit, after]\n"
    "    answers:\n"
    "      type: application/json\n"
    "      fields:\n"
    "        $.position.lat: location.latitude\n"
    "        $.position.lon: location.longitude\n"
    "        $.position.kmh: location.speed\n"
    "        $.user: subject\n"
    "        $.at: time\n"
    "        $.type: structure\n"
    "  - id: music-recent\n"
    "    app: music\n"
    "    request: GET /v1/listeners/{subject}\n"
    "    answers:\n"
    "      type: application/json\n"
    "      fields: {\"$.items[*].track.name\": listening.track}\n"
    "limits: {answer_bytes: 1048576}\n";

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture)
        return -1;
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/sluis-config-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    snprintf(fixture->file, sizeof fixture->file, "%s/sluis.yaml", fixture->folder);
    yaml_problems_init(&fixture->problems, fixture->file);
    char path[96];
    snprintf(path, sizeof path, "%s/state", fixture->folder);
    *state = fixture;
    return mkdir(path, 0700);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat, (void)type, (void)walk;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    config_free(fixture->config);
    yaml_problems_deinit(&fixture->problems);
    nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

static char *replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    if (!at)
        fail_msg("the right configuration has no \"%s\"", from);
    size_t n_before = (size_t)(at - text), n_after = strlen(at + strlen(from));
    char *replaced = malloc(n_before + strlen(to) + n_after + 1);
    assert_non_null(replaced);
    memcpy(replaced, text, n_before);
    memcpy(replaced + n_before, to, strlen(to));
    memcpy(replaced + n_before + strlen(to), at + strlen(from), n_after + 1);
    free(text);
    return replaced;
}

char *fixture_right(void)
{
    char *text = strdup(right);
    assert_non_null(text);
    return text;
}

char *fixture_text(const char *first_from, ...)
{
    char *text = fixture_right();
    va_list args;
    va_start(args, first_from);
    for (const char *from = first_from; from; from = va_arg(args, const char *))
        text = replace(text, from, va_arg(args, const char *));
    va_end(args);
    return text;
}

void fixture_write(const struct fixture *fixture, const char *name, const char *text, unsigned mode)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
}

/* Knows one name, so that no test asks a name server. */
static int resolve(const char *host, uint16_t port, struct sockaddr_storage *address,
                   socklen_t *address_bytes)
{
    bool here = strcmp(host, "localhost") == 0;
    if (!here && strcmp(host, "music.example") != 0)
        return EAI_NONAME;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(here ? 0x7f000001 : 0xc0000201); /* 192.0.2.1 */
    memset(address, 0, sizeof *address);
    memcpy(address, &in, sizeof in);
    *address_bytes = sizeof in;
    return 0;
}

enum sl_err fixture_load(struct fixture *fixture, char *text)
{
    config_free(fixture->config);
    fixture->config = NULL;
    yaml_problems_deinit(&fixture->problems);
    struct config_source source = {.file = fixture->file, .resolve = resolve};
    enum sl_err err =
        config_build(slice_of_str(text), &source, &fixture->problems, &fixture->config);
    free(text);
    yaml_problems_sort(&fixture->problems);
    return err;
}

const char *fixture_problems(struct fixture *fixture)
{
    static char text[65536];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < fixture->problems.n && n < sizeof text; i++) {
        const struct yaml_problem *problem = &fixture->problems.list[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%u:%u %s\n", problem->line,
                              problem->column, problem->text);
    }
    return text;
}

void assert_one_problem(struct fixture *fixture, char *text, unsigned line, unsigned column,
                        const char *part)
{
    enum sl_err err = fixture_load(fixture, text);
    const struct yaml_problems *problems = &fixture->problems;
    if (err != SL_EMALFORMED || problems->n != 1 || problems->list[0].line != line ||
        problems->list[0].column != column || !strstr(problems->list[0].text, part))
        fail_msg("expected %u:%u ... %s ...; found (%s)\n%s", line, column, part, sl_err_name(err),
                 fixture_problems(fixture));
    assert_null(fixture->config);
}

void assert_accepted(struct fixture *fixture, char *text)
{
    enum sl_err err = fixture_load(fixture, text);
    if (err != SL_OK || fixture->problems.n > 0)
        fail_msg("refused (%s):\n%s", sl_err_name(err), fixture_problems(fixture));
}
