/* The work that is done once for every match and every matching line, in C: see tally.py, whose classes have the same
 * methods and are used where this module was not compiled. The tests run both on the same input. `Library` is the
 * engine itself where its library is installed: then whole blocks are scanned without Python's lock.
 */
#define _GNU_SOURCE /* memrchr */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "_clock.h"
#include "_hits.h"
#include "_library.h"
#include "_tally.h"

static PyObject *count_lines(PyObject *module, PyObject *args)
{
    (void)module;
    const char *data;
    Py_ssize_t size, end = PY_SSIZE_T_MAX;
    if (!PyArg_ParseTuple(args, "y#|n", &data, &size, &end))
        return NULL;
    return PyLong_FromSsize_t(newlines(data, (size_t)(end < size ? end : size)));
}

static PyObject *clock_function(PyObject *module, PyObject *args)
{
    (void)module;
    const char *line;
    Py_ssize_t size;
    long long reference;
    if (!PyArg_ParseTuple(args, "y#L", &line, &size, &reference))
        return NULL;
    int64_t second = clock_of_line(line, (size_t)size, reference);
    if (second == CLOCK_NONE)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(second);
}

static PyMethodDef functions[] = {
    {"count_lines", count_lines, METH_VARARGS, "Return how many newlines a block has, up to an offset."},
    {"time_of", clock_function, METH_VARARGS, "Return the second that a line tells, or None."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "logscan_engine._native", NULL, -1, functions, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void)
{
    PyObject *module = PyModule_Create(&definition), *tally = PyType_FromSpec(&tally_spec);
    hits_type = (PyTypeObject *)PyType_FromSpec(&hits_spec);
    PyObject *library = PyType_FromSpec(&library_spec);
    if (module == NULL || tally == NULL || hits_type == NULL || library == NULL ||
        PyModule_AddObjectRef(module, "Tally", tally) < 0 ||
        PyModule_AddObjectRef(module, "Hits", (PyObject *)hits_type) < 0 ||
        PyModule_AddObjectRef(module, "Library", library) < 0)
        Py_CLEAR(module);
    Py_XDECREF(tally);
    Py_XDECREF(library);
    return module;
}
