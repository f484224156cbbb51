/* The list of leads as react-admin makes it: the peer of T11 and T12. Nothing of it is deployed. */
import { createRoot } from "react-dom/client";
import { Admin, DataTable, DateField, List, NumberField, Resource } from "react-admin";

const asked = async (path) => (await fetch(path, { credentials: "same-origin" })).json();
const dataProvider = {
  getList: (_, { pagination: { page, perPage } }) => asked(`/bench/leads?page=${page}&per=${perPage}`),
};
const Leads = () => (
  <List perPage={50} sort={{ field: "created_at", order: "DESC" }}>
    <DataTable>
      <DataTable.Col source="name" />
      <DataTable.Col source="company" />
      <DataTable.Col source="stage" />
      <DataTable.Col source="source" />
      <DataTable.Col source="rep_name" />
      <DataTable.Col source="amount" field={NumberField} />
      <DataTable.Col source="created_at" field={DateField} />
      <DataTable.Col source="updated_at" field={DateField} />
    </DataTable>
  </List>
);
createRoot(document.getElementById("root")).render(
  <Admin dataProvider={dataProvider} disableTelemetry>
    <Resource name="leads" list={Leads} />
  </Admin>,
);
