/*
 * replay.c - runs a corpus through a fuzz target without a fuzzer, as part of the normal tests
 *
 * Arguments are folders (or files). Each file is run as it is; of small files also every prefix
 * and every single-byte change of a few kinds, so that a handful of examples reaches the edges of
 * a parser. Fails when a folder holds nothing: a corpus that went missing tests nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_BYTES_MAX = 1 << 20, SMALL_BYTES_MAX = 1024 };

static unsigned long n_runs;

/* On a block of exactly its size, so that a sanitizer sees a read past the end. */
static void run(const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);
    if (!exact)
        exit(2);
    memcpy(exact, bytes, n);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    n_runs++;
}

static void run_variations(uint8_t *bytes, size_t n)
{
    static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xff};
    for (size_t cut = 0; cut < n; cut++)
        run(bytes, cut);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof flips; k++) {
            bytes[i] ^= flips[k];
            run(bytes, n);
            bytes[i] ^= flips[k];
        }
    }
}

static void run_file(const char *path)
{
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    FILE *file = fopen(path, "rb");
    if (!bytes || !file) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(2);
    }
    size_t n = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    run(bytes, n);
    if (n <= SMALL_BYTES_MAX)
        run_variations(bytes, n);
    free(bytes);
}

static void run_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    unsigned long n_files = 0;
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        struct stat status;
        if (stat(file, &status) == 0 && S_ISREG(status.st_mode)) {
            run_file(file);
            n_files++;
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    if (n_files == 0) {
        fprintf(stderr, "replay: no file in %s\n", path);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISREG(status.st_mode))
            run_file(argv[i]);
        else
            run_folder(argv[i]);
    }
    printf("replayed %lu inputs\n", n_runs);
    return n_runs > 0 ? 0 : 2;
}
