import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.model.api.Include;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.api.SearchTotalModeEnum;
import ca.uhn.fhir.rest.api.SummaryEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.gclient.DateClientParam;
import ca.uhn.fhir.rest.gclient.IQuery;
import ca.uhn.fhir.rest.gclient.QuantityClientParam;
import ca.uhn.fhir.rest.gclient.ReferenceClientParam;
import ca.uhn.fhir.rest.gclient.StringClientParam;
import ca.uhn.fhir.rest.gclient.TokenClientParam;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.hl7.fhir.r4.model.*;

/** Drives a gateway with HAPI's generic client as it comes from Maven: java Drive.java BASE TOKEN. Prints each step that was as expected. */
public class Drive {
  static final String PEOPLE = "urn:example:people";
  static final String LOINC = "http://loinc.org";

  static void step(String name, boolean holds) {
    if (!holds) throw new IllegalStateException(name);
    System.out.println(name);
  }

  static int statusOf(Runnable act) {
    try {
      act.run();
      return 200;
    } catch (BaseServerResponseException failure) {
      return failure.getStatusCode();
    }
  }

  public static void main(String[] given) {
    FhirContext context = FhirContext.forR4();
    context.getRestfulClientFactory().setSocketTimeout(60_000);
    // As it does by default: it asks for the CapabilityStatement before anything else.
    context.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.ONCE);
    IGenericClient client = context.newRestfulGenericClient(given[0]);
    client.registerInterceptor(new BearerTokenAuthInterceptor(given[1]));
    String run = UUID.randomUUID().toString();

    Patient ada = new Patient();
    ada.addIdentifier().setSystem(PEOPLE).setValue(run);
    ada.addName().setFamily("Grün").addGiven("Ada");
    ada.setGender(Enumerations.AdministrativeGender.FEMALE);
    MethodOutcome made = client.create().resource(ada).execute();
    String id = made.getId().getIdPart();
    step("create", made.getCreated() && "1".equals(made.getId().getVersionIdPart()));
    MethodOutcome again = client.create().resource(ada).conditional().where(Patient.IDENTIFIER.exactly().systemAndCode(PEOPLE, run)).execute();
    step("conditional create", again.getId().getIdPart().equals(id));
    Patient read = client.read().resource(Patient.class).withId(id).execute();
    step("read", read.getNameFirstRep().getFamily().equals("Grün"));
    read.setGender(Enumerations.AdministrativeGender.OTHER);
    step("update", "2".equals(client.update().resource(read).execute().getId().getVersionIdPart()));
    step("vread", client.read().resource(Patient.class).withIdAndVersion(id, "1").execute().getGender() == Enumerations.AdministrativeGender.FEMALE);
    step("conditional read", client.read().resource(Patient.class).withId(id).ifVersionMatches("2").returnNull().execute() == null);
    step("history", client.history().onInstance(new IdType("Patient", id)).returnBundle(Bundle.class).execute().getEntry().size() == 2);
    step("history of a type", client.history().onType(Patient.class).returnBundle(Bundle.class).count(5).execute().getEntry().size() >= 2);
    step("stale update", statusOf(() -> client.update().resource(read).withId(new IdType("Patient", id, "1")).withAdditionalHeader("If-Match", "W/\"1\"").execute()) == 412);

    for (double value : new double[] {60, 70.5, 80}) {
      Observation seen = new Observation();
      seen.setStatus(Observation.ObservationStatus.FINAL).setSubject(new Reference("Patient/" + id));
      seen.getCode().addCoding().setSystem(LOINC).setCode("8867-4").setDisplay("Heart rate");
      seen.setEffective(new DateTimeType("2026-03-01T10:00:00Z"));
      seen.setValue(new Quantity().setValue(value).setSystem("http://unitsofmeasure.org").setCode("/min"));
      client.create().resource(seen).execute();
    }
    ReferenceClientParam patient = Observation.PATIENT;
    QuantityClientParam quantity = Observation.VALUE_QUANTITY;
    step("search by reference", count(observations(client).where(patient.hasId("Patient/" + id))) == 3);
    step("search by POST", count(observations(client).where(patient.hasId("Patient/" + id)).usingStyle(SearchStyleEnum.POST)) == 3);
    step("search by _search", count(observations(client).where(patient.hasId("Patient/" + id)).usingStyle(SearchStyleEnum.GET_WITH_SEARCH)) == 3);
    step("search by quantity", count(observations(client).where(patient.hasId(id)).and(quantity.greaterThan().number(65).andUnits("http://unitsofmeasure.org", "/min"))) == 2);
    step("search about", count(observations(client).where(patient.hasId(id)).and(quantity.approximately().number("80").andNoUnits())) >= 1);
    step("search by chain", count(observations(client).where(patient.hasChainedProperty(Patient.IDENTIFIER.exactly().systemAndCode(PEOPLE, run)))) == 3);
    step("search by date", count(observations(client).where(patient.hasId(id)).and(Observation.DATE.afterOrEquals().day("2026-03-01")).and(new DateClientParam("date").beforeOrEquals().day("2026-03-01"))) == 3);
    step("search by codes", count(observations(client).where(patient.hasId(id)).and(Observation.CODE.exactly().codings(new Coding(LOINC, "x", null), new Coding(LOINC, "8867-4", null)))) == 3);
    step("search by composite", count(observations(client).where(patient.hasId(id)).and(Observation.CODE_VALUE_QUANTITY.withLeft(Observation.CODE.exactly().systemAndCode(LOINC, "8867-4")).withRight(quantity.lessThan().number(65).andNoUnits()))) == 1);
    step("search by _has", count(client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).and(new TokenClientParam("_has:Observation:patient:code").exactly().systemAndCode(LOINC, "8867-4"))) == 1);
    step("search by text", count(client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).and(Patient.FAMILY.matches().value("grun"))) == 1);
    step("search exactly", count(client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).and(Patient.FAMILY.matchesExactly().value("grun"))) == 0);
    step("search within", count(client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).and(Patient.FAMILY.contains().value("RÜ"))) == 1);
    step("search for missing", count(client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).and(Patient.BIRTHDATE.isMissing(true))) == 1);
    step("search by not", count(client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).and(new TokenClientParam("gender:not").exactly().code("male"))) == 1);
    Bundle included = observations(client).where(patient.hasId(id)).include(new Include("Observation:subject")).sort().descending(quantity).execute();
    step("include and sort", included.getEntry().size() == 4 && ((Observation) included.getEntryFirstRep().getResource()).getValueQuantity().getValue().doubleValue() == 80);
    step("revinclude", client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(id)).revInclude(new Include("Observation:subject")).returnBundle(Bundle.class).execute().getEntry().size() == 4);
    step("count alone", observations(client).where(patient.hasId(id)).summaryMode(SummaryEnum.COUNT).totalMode(SearchTotalModeEnum.ACCURATE).execute().getTotal() == 3);
    step("elements", observations(client).where(patient.hasId(id)).elementsSubset("code").execute().getEntry().stream().noneMatch(entry -> ((Observation) entry.getResource()).hasEffective()));
    Bundle page = observations(client).where(patient.hasId(id)).count(1).execute();
    List<String> seen = new ArrayList<>();
    for (;;) {
      seen.add(page.getEntryFirstRep().getResource().getIdElement().getIdPart());
      if (page.getLink(Bundle.LINK_NEXT) == null) break;
      page = client.loadPage().next(page).execute();
    }
    step("paging", seen.stream().distinct().count() == 3);
    step("paging back", client.loadPage().previous(page).execute().getEntry().size() == 1);
    step("bad parameter", statusOf(() -> client.search().byUrl("Patient?nonsense=1").returnBundle(Bundle.class).execute()) == 400);

    Parameters everything = client.operation().onInstance(new IdType("Patient", id)).named("$everything").withNoParameters(Parameters.class).useHttpGet().execute();
    step("$everything", ((Bundle) everything.getParameterFirstRep().getResource()).getEntry().size() == 4);
    step("$validate", client.validate().resource(ada).execute().getOperationOutcome() != null);
    Parameters asked = new Parameters();
    asked.addParameter().setName("resource").setResource(ada);
    step("$match", ((Bundle) client.operation().onType(Patient.class).named("$match").withParameters(asked).execute().getParameterFirstRep().getResource()).getEntry().size() == 1);
    step("$meta", client.meta().get(Meta.class).fromResource(new IdType("Patient", id)).execute().getTag().isEmpty());
    Meta tagged = new Meta();
    tagged.addTag().setSystem("urn:x").setCode("y");
    step("$meta-add", client.meta().add().onResource(new IdType("Patient", id)).meta(tagged).execute().getTag().size() == 1);

    Parameters patch = new Parameters();
    Parameters.ParametersParameterComponent operation = patch.addParameter().setName("operation");
    operation.addPart().setName("type").setValue(new CodeType("replace"));
    operation.addPart().setName("path").setValue(new StringType("Patient.gender"));
    operation.addPart().setName("value").setValue(new CodeType("female"));
    step("FHIRPath Patch", client.patch().withFhirPatch(patch).withId(new IdType("Patient", id)).execute().getId() != null);
    String json = "[{\"op\":\"replace\",\"path\":\"/gender\",\"value\":\"unknown\"}]";
    step("JSON Patch", client.patch().withBody(json).withId(new IdType("Patient", id)).execute().getId() != null);
    step("conditional patch", client.patch().withBody(json).conditional(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndCode(PEOPLE, run)).execute().getId() != null);
    step("patched", client.read().resource(Patient.class).withId(id).execute().getGender() == Enumerations.AdministrativeGender.UNKNOWN);

    Bundle transaction = new Bundle();
    transaction.setType(Bundle.BundleType.TRANSACTION);
    String urn = "urn:uuid:" + UUID.randomUUID();
    transaction.addEntry().setFullUrl(urn).setResource(new Patient().setActive(true)).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Patient");
    Observation about = new Observation();
    about.setStatus(Observation.ObservationStatus.FINAL).setSubject(new Reference(urn)).getCode().setText("x");
    transaction.addEntry().setResource(about).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Observation");
    transaction.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("Patient/" + id);
    Bundle written = client.transaction().withBundle(transaction).execute();
    step("transaction", written.getEntry().size() == 3 && written.getEntryFirstRep().getResponse().getStatus().startsWith("201"));
    String temporary = client.create().resource(new Patient().setActive(true)).execute().getId().getIdPart();
    client.delete().resourceById("Patient", temporary).execute();
    step("delete", statusOf(() -> client.read().resource(Patient.class).withId(temporary).execute()) == 410);
    step("conditional delete", statusOf(() -> client.delete().resourceConditionalByType(Patient.class).where(Patient.IDENTIFIER.exactly().systemAndCode(PEOPLE, "nobody")).execute()) == 200);
    step("summary", statusOf(() -> client.search().forResource(Patient.class).where(new StringClientParam("name").matches().value("Ada")).summaryMode(SummaryEnum.TRUE).returnBundle(Bundle.class).execute()) == 200);
  }

  static IQuery<Bundle> observations(IGenericClient client) {
    return client.search().forResource(Observation.class).returnBundle(Bundle.class);
  }

  static int count(IQuery<?> query) {
    return ((Bundle) query.returnBundle(Bundle.class).execute()).getEntry().size();
  }
}
