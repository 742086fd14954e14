/* The time that a line of a log tells: the forms of clock.py, which says which they are, in C.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLOCK_NONE INT64_MIN
#define CLOCK_HEAD 128
#define CLOCK_JSON_HEAD 4096
#define DAY 86400

typedef struct {
    const char *at, *end;
} Cursor;

static int is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Take exactly so many digits. */
static int take_number(Cursor *cursor, int digits, int *value)
{
    if (cursor->end - cursor->at < digits)
        return 0;
    *value = 0;
    for (int n = 0; n < digits; n++) {
        if (!is_digit(cursor->at[n]))
            return 0;
        *value = *value * 10 + (cursor->at[n] - '0');
    }
    cursor->at += digits;
    return 1;
}

static int take_byte(Cursor *cursor, char byte)
{
    if (cursor->at >= cursor->end || *cursor->at != byte)
        return 0;
    cursor->at++;
    return 1;
}

static int take_month(Cursor *cursor, int *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (cursor->end - cursor->at < 3)
        return 0;
    for (*month = 1; *month <= 12; (*month)++) {
        if (memcmp(cursor->at, names + 3 * (*month - 1), 3) == 0) {
            cursor->at += 3;
            return 1;
        }
    }
    return 0;
}

static int64_t days_from_civil(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (leap && month == 2))
        return CLOCK_NONE;
    int64_t past = year - 1;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;
    return days + before[month - 1] + (leap && month > 2) + day - 1;
}

/* Take HH:MM:SS and a fraction, and add it to a day's start. */
static int64_t take_time(Cursor *cursor, int64_t days)
{
    int hour, minute, second;
    if (days == CLOCK_NONE || !take_number(cursor, 2, &hour) || !take_byte(cursor, ':') ||
        !take_number(cursor, 2, &minute) || !take_byte(cursor, ':') || !take_number(cursor, 2, &second))
        return CLOCK_NONE;
    if (hour > 23 || minute > 59 || second > 60)
        return CLOCK_NONE;
    if (cursor->end - cursor->at > 1 && (*cursor->at == '.' || *cursor->at == ',') && is_digit(cursor->at[1])) {
        cursor->at++;
        while (cursor->at < cursor->end && is_digit(*cursor->at))
            cursor->at++;
    }
    return days * DAY + hour * 3600 + minute * 60 + second;
}

/* Return the seconds that a zone such as +0530 or -08:00, after one space or none, is ahead; 0 if there is none. */
static int64_t zone_ahead(Cursor cursor)
{
    int hours, minutes;
    take_byte(&cursor, ' ');
    int minus = take_byte(&cursor, '-');
    if ((!minus && !take_byte(&cursor, '+')) || !take_number(&cursor, 2, &hours))
        return 0;
    take_byte(&cursor, ':');
    if (!take_number(&cursor, 2, &minutes) || hours > 14 || minutes > 59)
        return 0;
    if (cursor.at < cursor.end && is_digit(*cursor.at))
        return 0;
    int64_t ahead = hours * 3600 + minutes * 60;
    return minus ? -ahead : ahead;
}

static int64_t take_zoned_time(Cursor *cursor, int64_t days)
{
    int64_t second = take_time(cursor, days);
    return second == CLOCK_NONE ? second : second - zone_ahead(*cursor);
}

/* 2026-11-24T10:00:00, 2026/11/24 10:00:00 */
static int64_t iso_time(Cursor cursor)
{
    int year, month, day;
    if (!take_number(&cursor, 4, &year) || cursor.at >= cursor.end)
        return CLOCK_NONE;
    char separator = *cursor.at++;
    if ((separator != '-' && separator != '/') || !take_number(&cursor, 2, &month) ||
        !take_byte(&cursor, separator) || !take_number(&cursor, 2, &day))
        return CLOCK_NONE;
    if (!take_byte(&cursor, 'T') && !take_byte(&cursor, ' ') && !take_byte(&cursor, '_'))
        return CLOCK_NONE;
    return take_zoned_time(&cursor, days_from_civil(year, month, day));
}

/* 24/Nov/2026:10:00:00 +0000 */
static int64_t access_log_time(Cursor cursor)
{
    int year, month, day;
    if (!take_number(&cursor, 2, &day) || !take_byte(&cursor, '/') || !take_month(&cursor, &month) ||
        !take_byte(&cursor, '/') || !take_number(&cursor, 4, &year) || !take_byte(&cursor, ':'))
        return CLOCK_NONE;
    return take_zoned_time(&cursor, days_from_civil(year, month, day));
}

/* Return the latest second with a month, day and time that is not more than a day after a reference. */
static int64_t without_year(Cursor cursor, int month, int day, int64_t reference)
{
    int64_t time = take_time(&cursor, 0);
    int year = 1970 + (int)((reference + DAY) / DAY * 400 / 146097);
    year -= days_from_civil(year, 1, 1) * DAY > reference + DAY;
    for (int tries = 0; time != CLOCK_NONE && tries < 9; tries++, year--) { /* the 29th of February may be far back */
        int64_t days = days_from_civil(year, month, day);
        if (days != CLOCK_NONE && days * DAY + time <= reference + DAY)
            return days * DAY + time;
    }
    return CLOCK_NONE;
}

/* Nov 24 10:00:00, after a priority such as <13> or none */
static int64_t syslog_time(Cursor cursor, int64_t reference)
{
    int month, day;
    if (take_byte(&cursor, '<')) {
        while (cursor.at < cursor.end && is_digit(*cursor.at))
            cursor.at++;
        if (!take_byte(&cursor, '>'))
            return CLOCK_NONE;
    }
    if (!take_month(&cursor, &month) || !take_byte(&cursor, ' '))
        return CLOCK_NONE;
    if (!(take_byte(&cursor, ' ') ? take_number(&cursor, 1, &day) : take_number(&cursor, 2, &day)))
        return CLOCK_NONE;
    return take_byte(&cursor, ' ') ? without_year(cursor, month, day, reference) : CLOCK_NONE;
}

/* I1124 10:00:00.000000 */
static int64_t klog_time(Cursor cursor, int64_t reference)
{
    int month, day;
    if (cursor.at >= cursor.end || memchr("IWEF", *cursor.at++, 4) == NULL)
        return CLOCK_NONE;
    if (!take_number(&cursor, 2, &month) || !take_number(&cursor, 2, &day) || !take_byte(&cursor, ' '))
        return CLOCK_NONE;
    return without_year(cursor, month, day, reference);
}

/* Ten digits of seconds or thirteen of milliseconds since the epoch. */
static int64_t epoch_time(Cursor cursor, ptrdiff_t digits)
{
    int64_t value = 0;
    if (digits != 10 && digits != 13)
        return CLOCK_NONE;
    for (ptrdiff_t n = 0; n < 10; n++)
        value = value * 10 + (cursor.at[n] - '0');
    return value >= 1000000000 && value < 4102444800 ? value : CLOCK_NONE;
}

/* Return whether a number stands as the value of a JSON field whose name ends in ts, time, timestamp or date. */
static int is_time_field(const char *line, const char *number)
{
    static const char *const ends[] = {"ts\"", "time\"", "Time\"", "timestamp\"", "Timestamp\"", "date\""};
    const char *at = number;
    if (at > line && at[-1] == ' ')
        at--;
    if (at == line || at[-1] != ':')
        return 0;
    at--;
    if (at > line && at[-1] == ' ')
        at--;
    for (size_t n = 0; n < sizeof ends / sizeof *ends; n++) {
        ptrdiff_t length = (ptrdiff_t)strlen(ends[n]);
        if (at - line >= length && memcmp(at - length, ends[n], (size_t)length) == 0)
            return 1;
    }
    return 0;
}

static int64_t clock_of_line(const char *line, size_t size, int64_t reference)
{
    int json = size > 0 && *line == '{';
    Cursor cursor = {line, line + size};
    int64_t found = klog_time(cursor, reference);
    if (found == CLOCK_NONE)
        found = syslog_time(cursor, reference);
    size_t most = json ? CLOCK_JSON_HEAD : CLOCK_HEAD;
    const char *stop = line + (size < most ? size : most);
    while (found == CLOCK_NONE && cursor.at < stop) {
        if (!is_digit(*cursor.at)) {
            cursor.at++;
            continue;
        }
        const char *after = cursor.at;
        while (after < cursor.end && after - cursor.at < 14 && is_digit(*after))
            after++;
        ptrdiff_t digits = after - cursor.at;
        if (digits == 4)
            found = iso_time(cursor);
        else if (digits == 2)
            found = access_log_time(cursor);
        else if (cursor.at == line || (json && is_time_field(line, cursor.at)))
            found = epoch_time(cursor, digits);
        while (after < cursor.end && is_digit(*after))
            after++;
        cursor.at = after;
    }
    return found;
}
