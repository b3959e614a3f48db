/* Loads a plugin, lets it work, unloads it, N times; then nothing of it is left: no mapping, no thread, no growing memory, no key, and the loss was the same every time.
   compile_host PLUGIN.so N */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dirent.h>

static long resident(void) {
    long pages = 0, ignore;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%ld %ld", &ignore, &pages) != 2) pages = 0;
    fclose(f);
    return pages * (long)(sysconf(_SC_PAGESIZE) / 1024);
}
static int entries(const char *folder) {
    int n = 0;
    DIR *d = opendir(folder);
    if (!d) return -1;
    while (readdir(d)) n++;
    closedir(d);
    return n;
}
static int mapped(const char *name) {
    char line[1024];
    int found = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f)) if (strstr(line, name)) found = 1;
    fclose(f);
    return found;
}

int main(int argc, char **argv) {
    int i, n = argc > 2 ? atoi(argv[2]) : 1000, files = 0;
    long warm = 0;
    double first = 0;
    const char *name = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
    for (i = 0; i < n; i++) {
        void *lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *symbol;
        double (*run)(int, int), loss;
        if (!lib) { printf("FAIL %s\n", dlerror()); return 1; }
        symbol = dlsym(lib, "plugin_run");
        if (!symbol) { printf("FAIL %s\n", dlerror()); return 1; }
        memcpy(&run, &symbol, sizeof run);
        loss = run(i % 50 == 0 ? 20 : 2, i % 50 == 0 ? 2 : 0);
        if (i == 1) first = loss;
        if (i % 50 != 0 && loss != first) { printf("FAIL round %d: loss %g, but it was %g\n", i, loss, first); return 1; }
        if (dlclose(lib) != 0) { printf("FAIL dlclose: %s\n", dlerror()); return 1; }
        if (mapped(name)) { printf("FAIL the plugin is still mapped after dlclose (a TLS destructor, a unique symbol, a thread?)\n"); return 1; }
        if (i == n / 10) { warm = resident(); files = entries("/proc/self/fd"); }
    }
    if (resident() > warm + 1024) { printf("FAIL resident memory grew from %ld to %ld KB\n", warm, resident()); return 1; }
    if (entries("/proc/self/fd") != files) { printf("FAIL %d open files, but %d before\n", entries("/proc/self/fd"), files); return 1; }
    if (entries("/proc/self/task") != 3) { printf("FAIL threads are left: %d\n", entries("/proc/self/task") - 2); return 1; }
    printf("ok %d loads, %ld KB resident after %d, %ld KB at the end\n", n, warm, n / 10, resident());
    return 0;
}
