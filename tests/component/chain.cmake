plimsoll_test(component_chain
    LABEL component
    SOURCES
        chain_errors_test.cpp
        chain_fixture.cpp
        chain_flow_test.cpp
        chain_life_test.cpp
        chain_models_test.cpp
        net_fixture.cpp
        proxy_fixture.cpp
    LIBS plimsoll_proxy plimsoll_control plimsoll_chain plimsoll_upstream)
