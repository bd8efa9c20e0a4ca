plimsoll_test(component_engine LABEL component
    SOURCES engine_acquire_test.cpp engine_cancel_test.cpp engine_context_test.cpp engine_foresight_test.cpp engine_life_test.cpp engine_measure_test.cpp engine_meter_test.cpp engine_unload_test.cpp
    LIBS plimsoll_engine)
