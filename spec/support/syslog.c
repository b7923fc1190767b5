/* Stands before libc's syslog (LD_PRELOAD): writes what it is given to the file that SYSLOG_FILE names. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void syslog(int priority, const char *format, ...)
{
    FILE *file = fopen(getenv("SYSLOG_FILE"), "a");
    if (!file) abort();
    va_list arguments;
    va_start(arguments, format);
    fprintf(file, "<%d> ", priority);
    vfprintf(file, format, arguments);
    fputc('\n', file);
    va_end(arguments);
    fclose(file);
}
